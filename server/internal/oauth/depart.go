package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
)

const (
	// attemptLife is how long a person may take to sign in at another provider.
	attemptLife = 10 * time.Minute
	// maxAttempt bounds the state in bytes: it stands in a URL, with more beside it.
	maxAttempt = 6 << 10
	// ownProvider is the user pool itself among the providers.
	ownProvider = "COGNITO"
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

// depart sends a browser to another provider.
func (p *Provider) depart(w http.ResponseWriter, r *http.Request, place Place, q *Request) {
	if p.Elsewhere == nil {
		p.Refuse(w, r, p.redirectable(q, refusal(codeInvalidRequest, "sign-in at other providers is off")))
		return
	}
	route, err := p.Elsewhere.Route(r.Context(), place.PoolID, q.elsewhere())
	if err != nil {
		p.Refuse(w, r, p.redirectable(q, p.elsewhereRefusal(r, err)))
		return
	}
	if route.Ambiguous {
		p.Refuse(w, r, p.redirectable(q, p.ambiguous(r, place, q.elsewhere(), route)))
		return
	}
	key := p.browserKey(r, place.PoolID)
	a := attempt{
		ID: random.UUID(), Provider: q.elsewhere(), Query: q.Query().Encode(), Redirect: p.returnURL(r, place, route.segment()),
		Segment: route.segment(), Binding: route.Binding,
		Nonce: random.Text(letters, 32), Verifier: random.Text(letters, 64),
		Browser: hashKey(key), Until: p.Now().Add(attemptLife),
	}
	state, err := p.seal(purposeAttempt, place.PoolID, a)
	if err != nil {
		p.fail(w, r, q, err)
		return
	}
	if len(state) > maxAttempt {
		p.Refuse(w, r, p.redirectable(q, refusal(codeInvalidRequest, "the request is too long for a sign-in at another provider; shorten state")))
		return
	}
	to, err := p.Elsewhere.Begin(r.Context(), place.PoolID, a.Provider, a.at(state, q))
	if err != nil {
		p.Refuse(w, r, p.redirectable(q, p.elsewhereRefusal(r, err)))
		return
	}
	p.keepBrowserKey(w, r, place.PoolID, key)
	redirect(w, r, to)
}

// ambiguous refuses a sign-in at a provider whose answers could be taken for another
// provider's, and names the redirect URI that ends this.
func (p *Provider) ambiguous(r *http.Request, place Place, provider string, route Route) *RequestError {
	own := p.returnURL(r, place, route.Own)
	p.Logger.WarnContext(r.Context(), "several identity providers share a redirect URI; register each one's own with it, and set redirect_uri of ProviderDetails",
		"pool", place.PoolID, "provider", provider, "redirect_uri", own)
	return refusal(codeInvalidRequest, described(provider+" Error - it shares its redirect URI with other providers; register "+own+" there and set it as redirect_uri of ProviderDetails"))
}

// returnURL is the redirect URI with this last segment, or the shared one: at the host,
// and by http or https, as the request came, for there the cookie is. Of the request it
// takes a name that is the pool's, and the port of an https listener beside a public URL
// of http.
func (p *Provider) returnURL(r *http.Request, place Place, segment string) string {
	path := federation.RedirectPath(segment)
	to, err := url.Parse(p.PublicURL + place.Base)
	if err != nil {
		return p.PublicURL + place.Base + path
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

// attemptCookie is the name of the cookie that binds attempts to a browser. One is
// enough for all that it has under way.
func (p *Provider) attemptCookie(r *http.Request, poolID string) (name string, secure bool) {
	name, secure = p.cookie(r, poolID)
	return name + "-idp", secure
}

// browserKey gives the key that a browser has, or a new one.
func (p *Provider) browserKey(r *http.Request, poolID string) string {
	name, _ := p.attemptCookie(r, poolID)
	if cookies := r.CookiesNamed(name); len(cookies) == 1 && len(cookies[0].Value) == 32 && strings.Trim(cookies[0].Value, letters) == "" {
		return cookies[0].Value
	}
	return random.Text(letters, 32)
}

func (p *Provider) keepBrowserKey(w http.ResponseWriter, r *http.Request, poolID, key string) {
	name, secure := p.attemptCookie(r, poolID)
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: key, Path: "/", MaxAge: int(attemptLife / time.Second), Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// began reports whether the browser that sent a request is the one that began an
// attempt. Two cookies of one name are none.
func (p *Provider) began(r *http.Request, poolID string, a *attempt) bool {
	name, _ := p.attemptCookie(r, poolID)
	cookies := r.CookiesNamed(name)
	return len(cookies) == 1 && subtle.ConstantTimeCompare([]byte(hashKey(cookies[0].Value)), []byte(a.Browser)) == 1
}
