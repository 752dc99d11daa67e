package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// MaxQuery bounds the query of an authorization request in bytes, not counting an
// id_token_hint: as it is sent, and as [Request.Query] writes it for the pages. With a
// hint, cookies and other headers it fits into what the server reads of a request.
const MaxQuery = 20 << 10

// tooLong reports whether a query is longer than [MaxQuery]. An id_token_hint has a bound
// of its own, that of the tokens which the service issues.
func tooLong(raw string, query url.Values) bool {
	hint := len(query.Get("id_token_hint"))
	return hint > wire.MaxToken || len(raw)-hint > MaxQuery
}

// Authorize serves GET /oauth2/authorize, and /authorize as Cognito does: to a browser that is signed in it gives
// the answer at once, any other goes to the login page with the same query.
func (p *Provider) Authorize(w http.ResponseWriter, r *http.Request) {
	if !p.allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	place, ok := p.at(w, r)
	if !ok {
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || tooLong(r.URL.RawQuery, query) {
		p.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "the query is malformed or too long"})
		return
	}
	request, err := p.ReadRequest(r.Context(), place.PoolID, query)
	if e, refused := errors.AsType[*RequestError](err); refused {
		p.Refuse(w, r, e)
		return
	}
	user, answers, err := p.answering(r, request)
	switch {
	case err != nil:
		e := p.redirectable(request, refusal(codeServerError, "try again later"))
		e.cause = err
		p.Refuse(w, r, e)
	case answers:
		p.answer(w, r, request, user)
	case slices.Contains(request.Prompt, "none"):
		p.Refuse(w, r, p.redirectable(request, refusal(codeLoginRequired, "the user has to sign in")))
	case request.elsewhere() != "":
		p.depart(w, r, place, request)
	default:
		redirect(w, r, place.Base+"/login?"+request.Query().Encode())
	}
}

// answering returns the user of the browser's session, and whether that session answers the
// request without a page.
func (p *Provider) answering(r *http.Request, q *Request) (user User, ok bool, err error) {
	user, signedIn, err := p.Session(r, q.Client.PoolID)
	if err != nil || !signedIn || !q.admits(user.Provider) || p.mustSignIn(q, user) {
		return user, false, err
	}
	ok, err = p.hintNames(r.Context(), q, user)
	return user, ok, err
}

// admits reports whether a session of a browser serves a request, by where its person
// signed in: at one of the client's providers, and at the one that the request names. A
// request for another provider than the pool itself always leads there, for the person may
// be another there by now; only without a page (prompt none) its session has to do.
func (q *Request) admits(provider string) bool {
	switch {
	case q.IdentityProvider == "":
	case q.IdentityProvider != provider, provider != ownProvider && !slices.Contains(q.Prompt, "none"):
		return false
	}
	if provider == ownProvider && len(q.Client.Providers) == 0 {
		return true
	}
	return slices.Contains(q.Client.Providers, provider)
}

// mustSignIn reports whether the person has to sign in although somebody is
// signed in (OpenID Connect Core 1.0, section 3.1.2.1, prompt and max_age).
func (p *Provider) mustSignIn(q *Request, user User) bool {
	if slices.Contains(q.Prompt, "login") || slices.Contains(q.Prompt, "select_account") {
		return true
	}
	return q.MaxAge >= 0 && p.Now().Sub(user.AuthTime) > q.MaxAge
}

// Finish ends a sign-in on a page: it gives the browser a session of its own and
// takes it back to the client with the answer.
func (p *Provider) Finish(w http.ResponseWriter, r *http.Request, q *Request, user User) {
	if err := p.begin(w, r, user); err != nil {
		e := p.redirectable(q, refusal(codeServerError, "try again later"))
		e.cause = err
		p.Refuse(w, r, e)
		return
	}
	p.answer(w, r, q, user)
}

// answer takes a browser back to the client with a code, or with tokens.
func (p *Provider) answer(w http.ResponseWriter, r *http.Request, q *Request, user User) {
	grant := Grant{SessionID: random.SessionID(), Until: p.Now().Add(codeLife), Scope: q.Scope, Nonce: q.Nonce, Implicit: q.Implicit}
	if q.Implicit {
		p.answerTokens(w, r, q, user, grant)
		return
	}
	code, err := p.sealCode(q, user, grant)
	if err != nil {
		p.fail(w, r, q, err)
		return
	}
	redirect(w, r, p.answerURL(q, url.Values{"code": {code}}))
}

// answerTokens is the implicit grant (RFC 6749, section 4.2): no refresh token.
func (p *Provider) answerTokens(w http.ResponseWriter, r *http.Request, q *Request, user User, grant Grant) {
	tokens, err := p.Issuer.Issue(r.Context(), q.Client.ID, user, grant)
	if err != nil {
		p.fail(w, r, q, err)
		return
	}
	values := url.Values{
		"access_token": {string(tokens.Access)}, "token_type": {wire.TokenTypeBearer},
		"expires_in": {strconv.Itoa(int(tokens.ExpiresIn))}, "scope": {q.Scope},
	}
	if tokens.ID != "" {
		values.Set("id_token", string(tokens.ID))
	}
	redirect(w, r, p.answerURL(q, values))
}

// fail tells the client that its request could not be served.
func (p *Provider) fail(w http.ResponseWriter, r *http.Request, q *Request, err error) {
	e := refusal(codeServerError, "try again later")
	if exception, refused := errors.AsType[*wire.Exception](err); refused && exception.Type == wire.InvalidUserPoolConfigurationException {
		e = refusal(codeServerError, exception.Message)
	} else if refused {
		e = refusal(codeLoginRequired, "the sign-in is over")
	} else {
		e.cause = err
	}
	p.Refuse(w, r, p.redirectable(q, e))
}

// allow answers for methods other than these.
func (p *Provider) allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	p.Note(r.Context(), codeMethod)
	for _, method := range methods {
		w.Header().Add("Allow", method)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}
