package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// MaxQuery bounds the query of an authorization request in bytes, not counting an
// id_token_hint: as it is sent, and as [Request.Query] writes it for the pages. With a
// hint, cookies and other headers it fits into what the server reads of a request.
const MaxQuery = 20 << 10

// tooLong reports whether a query is longer than [MaxQuery]. An id_token_hint has a separate
// bound, that of the tokens which the service issues.
func tooLong(raw string, query url.Values) bool {
	hint := len(query.Get("id_token_hint"))
	return hint > wire.MaxToken || len(raw)-hint > MaxQuery
}

// authorizeEndpoint answers authorization requests.
type authorizeEndpoint struct {
	front      *front
	requests   *requests
	refusals   *refusals
	sessions   *browserSessions
	codes      codes
	departures *departures
	issuer     Issuer
	users      Users
	now        func() time.Time
}

// Authorize serves GET /oauth2/authorize, and /authorize as Cognito does: to a browser that is signed in it gives
// the answer at once, any other goes to the login page with the same query.
func (a *authorizeEndpoint) Authorize(w http.ResponseWriter, r *http.Request) {
	place, ok := a.front.enter(w, r, http.MethodGet, http.MethodHead)
	if !ok {
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || tooLong(r.URL.RawQuery, query) {
		a.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "the query is malformed or too long"})
		return
	}
	request, err := a.requests.ReadRequest(r.Context(), place.PoolID, query)
	if e, refused := errors.AsType[*RequestError](err); refused {
		a.refusals.Refuse(w, r, e)
		return
	}
	user, answers, err := a.answering(r, request)
	switch {
	case err != nil:
		e := a.requests.redirectable(request, refusal(codeServerError, "try again later"))
		e.cause = err
		a.refusals.Refuse(w, r, e)
	case answers:
		a.answer(w, r, request, user)
	case slices.Contains(request.Prompt, "none"):
		a.refusals.Refuse(w, r, a.requests.redirectable(request, refusal(codeLoginRequired, "the user has to sign in")))
	case request.elsewhere() != "":
		a.departures.depart(w, r, place, request)
	default:
		redirect(w, r, place.Base+"/login?"+request.Query().Encode())
	}
}

// answering returns the user of the browser's session, and whether that session answers the
// request without a page.
func (a *authorizeEndpoint) answering(r *http.Request, q *Request) (user User, ok bool, err error) {
	user, signedIn, err := a.sessions.Session(r, q.Client.PoolID)
	if err != nil || !signedIn || !q.admits(user.Provider) || a.mustSignIn(q, user) {
		return user, false, err
	}
	ok, err = a.hintNames(r.Context(), q, user)
	return user, ok, err
}

// hintNames reports whether the id_token_hint of an authorization request, if there is one,
// is an ID token of its client, expired or not, about this user. Any other hint keeps the
// browser's session from answering (OpenID Connect Core 1.0, section 3.1.2.1), so that a
// silent renewal does not change the user of an application.
func (a *authorizeEndpoint) hintNames(ctx context.Context, q *Request, user User) (bool, error) {
	if q.IDTokenHint == "" {
		return true, nil
	}
	client, sub, err := a.users.Hint(ctx, q.Client.PoolID, q.IDTokenHint)
	return err == nil && client == q.Client.ID && sub == user.Sub, err
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

// mustSignIn reports whether the user has to sign in although the browser has a
// session (OpenID Connect Core 1.0, section 3.1.2.1, prompt and max_age).
func (a *authorizeEndpoint) mustSignIn(q *Request, user User) bool {
	if slices.Contains(q.Prompt, "login") || slices.Contains(q.Prompt, "select_account") {
		return true
	}
	return q.MaxAge >= 0 && a.now().Sub(user.AuthTime) > q.MaxAge
}

// Finish completes a sign-in on a page: it creates a session of the browser and redirects it
// to the client with the answer.
func (a *authorizeEndpoint) Finish(w http.ResponseWriter, r *http.Request, q *Request, user User) {
	if err := a.sessions.begin(w, r, user); err != nil {
		e := a.requests.redirectable(q, refusal(codeServerError, "try again later"))
		e.cause = err
		a.refusals.Refuse(w, r, e)
		return
	}
	a.answer(w, r, q, user)
}

// answer takes a browser back to the client with a code, or with tokens.
func (a *authorizeEndpoint) answer(w http.ResponseWriter, r *http.Request, q *Request, user User) {
	grant := Grant{SessionID: random.SessionID(), Until: a.now().Add(codeLife), Scope: q.Scope, Nonce: q.Nonce, Implicit: q.Implicit}
	if q.Implicit {
		a.answerTokens(w, r, q, user, grant)
		return
	}
	code, err := a.codes.of(q, user, grant)
	if err != nil {
		a.fail(w, r, q, err)
		return
	}
	redirect(w, r, a.requests.answerURL(q, url.Values{"code": {code}}))
}

// answerTokens is the implicit grant (RFC 6749, section 4.2): no refresh token.
func (a *authorizeEndpoint) answerTokens(w http.ResponseWriter, r *http.Request, q *Request, user User, grant Grant) {
	tokens, err := a.issuer.Issue(r.Context(), q.Client.ID, user, grant)
	if err != nil {
		a.fail(w, r, q, err)
		return
	}
	values := url.Values{
		"access_token": {string(tokens.Access)}, "token_type": {wire.TokenTypeBearer},
		"expires_in": {strconv.Itoa(int(tokens.ExpiresIn))}, "scope": {q.Scope},
	}
	if tokens.ID != "" {
		values.Set("id_token", string(tokens.ID))
	}
	redirect(w, r, a.requests.answerURL(q, values))
}

// fail redirects to the client with an error.
func (a *authorizeEndpoint) fail(w http.ResponseWriter, r *http.Request, q *Request, err error) {
	e := refusal(codeServerError, "try again later")
	if exception, refused := errors.AsType[*wire.Exception](err); refused && exception.Type == wire.InvalidUserPoolConfigurationException {
		e = refusal(codeServerError, exception.Message)
	} else if refused {
		e = refusal(codeLoginRequired, "the sign-in is over")
	} else {
		e.cause = err
	}
	a.refusals.Refuse(w, r, a.requests.redirectable(q, e))
}
