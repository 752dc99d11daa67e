package oauth

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/strictbase64"
)

// loopbackURI is a redirect URI of a program on the person's own machine: plain
// http to a loopback IP address, whose port is the program's choice of the moment
// (RFC 8252, section 7.3). The port is the second group.
var loopbackURI = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(http://(?:127\.0\.0\.1|\[::1\]))(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)$`)
})

// withoutPort takes the port out of a loopback URI.
func withoutPort(uri string) (string, bool) {
	parts := loopbackURI().FindStringSubmatch(uri)
	if parts == nil || len(parts[2]) == 5 && parts[2] > "65535" {
		return "", false
	}
	return parts[1] + parts[3], true
}

// registered reports whether a URI is one of those that were registered: the same
// string (RFC 9700, section 4.1.3), but for the port of a loopback IP address.
func registered(list []string, uri string) bool {
	if slices.Contains(list, uri) {
		return true
	}
	bare, ok := withoutPort(uri)
	return ok && slices.ContainsFunc(list, func(known string) bool {
		other, ok := withoutPort(known)
		return ok && other == bare
	})
}

// answerURL is the client's redirect URI with an answer: in the query, or in the
// fragment for response_type token. It adds state and iss (RFC 9207).
func (rs *requests) answerURL(q *Request, values url.Values) string {
	if q.State != "" {
		values.Set("state", q.State)
	}
	values.Set("iss", rs.issuerURL(q.Client.PoolID))
	if q.Implicit {
		return q.RedirectURI + "#" + values.Encode()
	}
	return withQuery(q.RedirectURI, values)
}

// withQuery adds to the query of a URI, which stays as it is.
func withQuery(uri string, values url.Values) string {
	separator := "?"
	switch {
	case strings.HasSuffix(uri, "?"):
		separator = ""
	case strings.Contains(uri, "?"):
		separator = "&"
	}
	return uri + separator + values.Encode()
}

// isChallenge reports whether a text can be the hash of a verifier: 32 bytes in
// base64url, in their one form.
func isChallenge(text string) bool {
	raw, err := strictbase64.DecodeURL(text)
	return err == nil && len(raw) == 32
}

// redirect sends a browser on. A form that was posted becomes a GET.
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", to)
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusFound)
}
