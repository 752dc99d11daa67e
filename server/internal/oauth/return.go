package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
)

// SegmentValue is the path value of the last segment of a provider's own redirect URI.
const SegmentValue = "provider"

// returnParameters are what a provider's answer is made of (RFC 6749, section 4.1.2;
// RFC 9207).
var returnParameters = []string{"code", "state", "iss", "error", "error_description"}

// Return serves /oauth2/idpresponse and the paths of one segment below it, the redirect
// URIs of other providers. Some providers post their answer, without the cookie that a
// page of ours gets: that one becomes a GET.
func (p *Provider) Return(w http.ResponseWriter, r *http.Request) {
	if !p.allow(w, r, http.MethodGet, http.MethodPost) {
		return
	}
	place, ok := p.at(w, r)
	if !ok {
		return
	}
	if segment := r.PathValue(SegmentValue); segment != "" && !federation.IsSegment(segment) {
		p.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "no identity provider has this redirect URI"})
		return
	}
	if r.Method == http.MethodPost {
		p.returnByGet(w, r, place)
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > MaxQuery {
		p.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "the answer is malformed or too long"})
		return
	}
	p.arrive(w, r, place, query)
}

func (p *Provider) returnByGet(w http.ResponseWriter, r *http.Request, place Place) {
	form, e := readForm(w, r)
	if e != nil {
		p.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: e.description})
		return
	}
	answer := url.Values{}
	for _, name := range returnParameters {
		if value := form.Get(name); value != "" {
			answer.Set(name, value)
		}
	}
	to := answer.Encode()
	if len(to) > MaxQuery {
		p.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "the answer is too long"})
		return
	}
	redirect(w, r, place.Base+federation.RedirectPath(r.PathValue(SegmentValue))+"?"+to)
}

// arrive goes on with an attempt whose browser came back. Until state and cookie are
// found good, only a page tells the person.
func (p *Provider) arrive(w http.ResponseWriter, r *http.Request, place Place, query url.Values) {
	a, e := p.readAttempt(r, place, query)
	if e != nil {
		p.Refuse(w, r, e)
		return
	}
	request, err := url.ParseQuery(a.Query)
	var q *Request
	if err == nil {
		q, err = p.ReadRequest(r.Context(), place.PoolID, request)
	}
	if err != nil {
		if refused, ok := errors.AsType[*RequestError](err); ok {
			p.Refuse(w, r, refused)
			return
		}
		p.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeServerError, Description: "try again later", cause: err})
		return
	}
	user, e := p.admit(r, q, a, query)
	if e != nil {
		p.release(r, a, e)
		p.Refuse(w, r, p.redirectable(q, e))
		return
	}
	p.Finish(w, r, q, user)
}

// release lets an attempt be used again after a failure that passes, such as a provider
// that does not answer: with another answer of the provider, to the same state.
func (p *Provider) release(r *http.Request, a *attempt, e *RequestError) {
	if e.Code != codeUnavailable && e.Code != codeServerError {
		return
	}
	if err := p.Elsewhere.Release(r.Context(), a.try, a.Until); err != nil {
		p.Logger.ErrorContext(r.Context(), "cannot release a sign-in at another provider", "error", err)
	}
}

// readAttempt opens the state, and uses it up.
func (p *Provider) readAttempt(r *http.Request, place Place, query url.Values) (*attempt, *RequestError) {
	refuse := func(description string) (*attempt, *RequestError) {
		return nil, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: description}
	}
	for _, name := range returnParameters {
		if len(query[name]) > 1 {
			return refuse(name + " is there more than once")
		}
	}
	a := new(attempt)
	switch {
	case p.Elsewhere == nil || !p.open(purposeAttempt, place.PoolID, query.Get("state"), a):
		return refuse("state is not one of this service")
	case !p.Now().Before(a.Until):
		return refuse("the sign-in took too long")
	case !p.began(r, place.PoolID, a):
		return refuse("the sign-in was not begun in this browser")
	case r.PathValue(SegmentValue) != a.Segment:
		return refuse("the answer came to the redirect URI of another identity provider")
	}
	try, first, err := p.Elsewhere.Spend(r.Context(), a.ID, a.Until)
	if err != nil {
		return nil, &RequestError{PoolID: place.PoolID, Code: codeServerError, Description: "try again later", cause: err}
	}
	if !first {
		return refuse("the answer was used before")
	}
	a.try = try
	return a, nil
}

// admit redeems the provider's answer for a user.
func (p *Provider) admit(r *http.Request, q *Request, a *attempt, query url.Values) (User, *RequestError) {
	switch code := query.Get("error"); {
	case !slices.Contains(q.Client.Providers, a.Provider):
		return User{}, refusal(codeInvalidRequest, "identity_provider is not one of the client's")
	case code == codeAccessDenied:
		return User{}, refusal(codeAccessDenied, "the sign-in was cancelled at the identity provider")
	case code != "":
		return User{}, refusal(codeInvalidRequest, described(a.Provider+" Error - "+code+" "+query.Get("error_description")))
	case query.Get("code") == "":
		return User{}, refusal(codeInvalidRequest, described(a.Provider+" Error - no code in its answer"))
	}
	if e := p.checkRoute(r, q, a); e != nil {
		return User{}, e
	}
	user, err := p.Elsewhere.Finish(r.Context(), q.Client, a.Provider, a.at(query.Get("state"), q),
		federation.Answer{Code: query.Get("code"), Issuer: query.Get("iss")})
	if err != nil {
		return User{}, p.elsewhereRefusal(r, err)
	}
	return user, nil
}

// checkRoute refuses the answer of a provider whose settings are others than when the
// sign-in began: the code may be of another issuer. Sign-ins that an earlier version
// began have no binding.
func (p *Provider) checkRoute(r *http.Request, q *Request, a *attempt) *RequestError {
	route, err := p.Elsewhere.Route(r.Context(), q.Client.PoolID, a.Provider)
	switch {
	case err != nil:
		return p.elsewhereRefusal(r, err)
	case route.segment() != a.Segment || a.Binding != "" && route.Binding != a.Binding:
		return refusal(codeInvalidRequest, described(a.Provider+" Error - its settings have changed; sign in again"))
	case route.Ambiguous:
		return refusal(codeInvalidRequest, described(a.Provider+" Error - it shares its redirect URI with other providers"))
	}
	return nil
}

// elsewhereRefusal is what a client is told of a sign-in that did not succeed at
// another provider, or was not admitted here.
func (p *Provider) elsewhereRefusal(r *http.Request, err error) *RequestError {
	if e, ok := errors.AsType[*federation.Error](err); ok {
		p.Logger.WarnContext(r.Context(), "sign-in at another provider failed", "reason", e.Description, "error", e.Unwrap())
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

// described is what a client is told of a provider's failure.
func described(text string) string { return federation.Description(text, 300) }
