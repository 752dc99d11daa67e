package hosted

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

//go:embed page.js
var script string

// scriptHash is how the policy names the page's one script (CSP Level 3, section 2.3.1).
var scriptHash = sync.OnceValue(func() string { return hashSource(script) })

func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// header sets what every answer carries. redirectURI is where the answer to the
// page's form may send the browser, empty for none.
func header(h http.Header, redirectURI string) {
	// The service lets pages of any origin read its answers; not these.
	h.Del("Access-Control-Allow-Origin")
	h.Del("Access-Control-Expose-Headers")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src "+scriptHash()+
		"; form-action 'self'"+formTarget(redirectURI)+"; frame-ancestors 'none'; base-uri 'none'")
}

var (
	hostSource = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?$`)
	})
	schemeSource = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`) })
)

// formTarget is the source that a redirect to the client needs beside 'self',
// since Chromium holds form-action against redirects after a form was posted too.
// It is the origin, or the scheme where that is all there is to name: an
// application's own, or a host that the policy's grammar cannot write, such as [::1].
func formTarget(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || !schemeSource().MatchString(u.Scheme) {
		return ""
	}
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "javascript" || scheme == "data":
		return ""
	case (scheme == "http" || scheme == "https") && hostSource().MatchString(u.Host):
		return " " + scheme + "://" + u.Host
	default:
		return " " + scheme + ":"
	}
}
