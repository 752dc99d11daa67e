package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
)

const (
	// attemptLife is how long a person may take to sign in at another provider.
	attemptLife = 10 * time.Minute
	// maxAttempt bounds the state in bytes: it is one of several parameters of a URL.
	maxAttempt = 6 << 10
	// ownProvider is the user pool itself among the providers.
	ownProvider = "COGNITO"
	attemptKind = "-idp" // of the cookie that binds attempts to a browser
	letters     = random.Digits + random.Lower + random.Upper
)

// attempt is what the state of a sign-in at another provider holds.
type attempt struct {
	ID       string // of its one use
	Provider string
	Query    string // the authorization request
	Redirect string // the redirect URI that the provider was given
	Segment  string `json:",omitzero"` // its last segment; "" for the shared one
	Binding  string `json:",omitzero"` // Route.Binding
	Nonce    string
	Verifier string
	Browser  string // hash of the cookie
	Until    time.Time
	try      string // of Elsewhere.Spend
}

func (a *attempt) at(state string, q *Request) federation.Attempt {
	return federation.Attempt{
		Redirect: a.Redirect, State: state, Nonce: a.Nonce, Verifier: a.Verifier,
		LoginHint: q.LoginHint, Prompt: q.Prompt, MaxAge: q.Query().Get("max_age"),
	}
}

// elsewhere is the provider at which the person is to sign in: the one that was
// asked for, or the client's only one; "" is here.
func (q *Request) elsewhere() string {
	name := q.IdentityProvider
	if name == "" && len(q.Client.Providers) == 1 {
		name = q.Client.Providers[0]
	}
	if name == ownProvider {
		return ""
	}
	return name
}

// departures sends browsers to other providers.
type departures struct {
	elsewhere Elsewhere // nil if there are none
	requests  *requests
	refusals  *refusals
	sealer    sealer
	cookies   cookies
	publicURL string
	log       *slog.Logger
	now       func() time.Time
}

// depart sends a browser to another provider.
func (d *departures) depart(w http.ResponseWriter, r *http.Request, place Place, q *Request) {
	if d.elsewhere == nil {
		d.refusals.Refuse(w, r, d.requests.redirectable(q, refusal(codeInvalidRequest, "sign-in at other providers is off")))
		return
	}
	route, err := d.elsewhere.Route(r.Context(), place.PoolID, q.elsewhere())
	if err != nil {
		d.refusals.Refuse(w, r, d.requests.redirectable(q, d.refusal(r, err)))
		return
	}
	if route.Ambiguous {
		d.refusals.Refuse(w, r, d.requests.redirectable(q, d.ambiguous(r, place, q.elsewhere(), route)))
		return
	}
	key := d.browserKey(r, place.PoolID)
	a := attempt{
		ID: random.UUID(), Provider: q.elsewhere(), Query: q.Query().Encode(), Redirect: d.returnURL(r, place, route.segment()),
		Segment: route.segment(), Binding: route.Binding,
		Nonce: random.Text(letters, 32), Verifier: random.Text(letters, 64),
		Browser: hashKey(key), Until: d.now().Add(attemptLife),
	}
	state, err := d.sealer.seal(purposeAttempt, place.PoolID, a)
	if err != nil {
		failure := refusal(codeServerError, "try again later")
		failure.cause = err
		d.refusals.Refuse(w, r, d.requests.redirectable(q, failure))
		return
	}
	if len(state) > maxAttempt {
		d.refusals.Refuse(w, r, d.requests.redirectable(q, refusal(codeInvalidRequest, "the request is too long for a sign-in at another provider; shorten state")))
		return
	}
	to, err := d.elsewhere.Begin(r.Context(), place.PoolID, a.Provider, a.at(state, q))
	if err != nil {
		d.refusals.Refuse(w, r, d.requests.redirectable(q, d.refusal(r, err)))
		return
	}
	d.cookies.set(w, r, place.PoolID, attemptKind, key, attemptLife)
	redirect(w, r, to)
}

// ambiguous refuses a sign-in at a provider whose answers could be taken for another
// provider's, and names the redirect URI that ends this.
func (d *departures) ambiguous(r *http.Request, place Place, provider string, route Route) *RequestError {
	own := d.returnURL(r, place, route.Own)
	d.log.WarnContext(r.Context(), "several identity providers share a redirect URI; register each one's own with it, and set redirect_uri of ProviderDetails",
		"pool", place.PoolID, "provider", provider, "redirect_uri", own)
	return refusal(codeInvalidRequest, described(provider+" Error - it shares its redirect URI with other providers; register "+own+" there and set it as redirect_uri of ProviderDetails"))
}

// refusal is the error that a client receives for a sign-in that failed at
// another provider, or was refused here.
func (d *departures) refusal(r *http.Request, err error) *RequestError {
	if e, ok := errors.AsType[*federation.Error](err); ok {
		d.log.WarnContext(r.Context(), "sign-in at another provider failed", "reason", e.Description, "error", e.Unwrap())
		if e.Temporary {
			return refusal(codeUnavailable, e.Description)
		}
		return refusal(codeInvalidRequest, e.Description)
	}
	if e, ok := errors.AsType[*wire.Exception](err); ok {
		return refusal(codeInvalidRequest, described(e.Message))
	}
	failure := refusal(codeServerError, "try again later")
	failure.cause = err
	return failure
}

// returnURL is the redirect URI with this last segment, or the shared one: at the host,
// and by http or https, as the request came, for there the cookie is. Of the request it
// takes a name that is the pool's, and the port of an https listener beside a public URL
// of http.
func (d *departures) returnURL(r *http.Request, place Place, segment string) string {
	path := federation.RedirectPath(segment)
	to, err := url.Parse(d.publicURL + place.Base)
	if err != nil {
		return d.publicURL + place.Base + path
	}
	if place.Base == "" {
		name := domainOf(r.Host)
		if !strings.Contains(name, ".") {
			name += ".localhost"
		}
		to.Host, to.Path = hostOf(name, to.Port()), ""
	}
	if r.TLS != nil && to.Scheme == "http" {
		to.Scheme, to.Host = "https", hostOf(to.Hostname(), portOf(r.Host))
	}
	return to.String() + path
}

func hostOf(name, port string) string {
	switch {
	case port != "":
		return net.JoinHostPort(name, port)
	case strings.Contains(name, ":"):
		return "[" + name + "]"
	}
	return name
}

// portOf takes the port from a Host header, "" for none or none that can be.
func portOf(host string) string {
	_, port, err := net.SplitHostPort(host)
	if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || number == 0 {
		return ""
	}
	return port
}

// browserKey returns the key of a browser, or a new one. One binds all attempts that the
// browser has in progress.
func (d *departures) browserKey(r *http.Request, poolID string) string {
	if key, ok := d.cookies.sent(r, poolID, attemptKind); ok && len(key) == 32 && strings.Trim(key, letters) == "" {
		return key
	}
	return random.Text(letters, 32)
}

func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// began reports whether the browser that sent a request is the one that began an attempt.
func (d *departures) began(r *http.Request, poolID string, a *attempt) bool {
	key, ok := d.cookies.sent(r, poolID, attemptKind)
	return ok && subtle.ConstantTimeCompare([]byte(hashKey(key)), []byte(a.Browser)) == 1
}
