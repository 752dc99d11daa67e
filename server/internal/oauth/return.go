package oauth

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/federation"
)

// SegmentValue is the path value of the last segment of a provider's own redirect URI.
const SegmentValue = "provider"

// returnParameters are what a provider's answer is made of (RFC 6749, section 4.1.2;
// RFC 9207).
var returnParameters = []string{"code", "state", "iss", "error", "error_description"}

// returnEndpoint takes the answers of other providers.
type returnEndpoint struct {
	front      *front
	requests   *requests
	refusals   *refusals
	departures *departures
	authorize  *authorizeEndpoint
	log        *slog.Logger
	now        func() time.Time
}

// Return serves /oauth2/idpresponse and the paths of one segment below it, the redirect
// URIs of other providers. Some providers post their answer, without the cookie that a
// page of ours gets: that one becomes a GET.
func (e *returnEndpoint) Return(w http.ResponseWriter, r *http.Request) {
	place, ok := e.front.enter(w, r, http.MethodGet, http.MethodPost)
	if !ok {
		return
	}
	if segment := r.PathValue(SegmentValue); segment != "" && !federation.IsSegment(segment) {
		e.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "no identity provider has this redirect URI"})
		return
	}
	if r.Method == http.MethodPost {
		e.returnByGet(w, r, place)
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > MaxQuery {
		e.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "the answer is malformed or too long"})
		return
	}
	e.arrive(w, r, place, query)
}

func (e *returnEndpoint) returnByGet(w http.ResponseWriter, r *http.Request, place Place) {
	form, bad := readForm(w, r)
	if bad != nil {
		e.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: bad.description})
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
		e.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "the answer is too long"})
		return
	}
	redirect(w, r, place.Base+federation.RedirectPath(r.PathValue(SegmentValue))+"?"+to)
}

// arrive continues an attempt whose browser came back. Errors before state and cookie are
// verified are shown on a page, not to the client.
func (e *returnEndpoint) arrive(w http.ResponseWriter, r *http.Request, place Place, query url.Values) {
	a, refused := e.readAttempt(r, place, query)
	if refused != nil {
		e.refusals.Refuse(w, r, refused)
		return
	}
	request, err := url.ParseQuery(a.Query)
	var q *Request
	if err == nil {
		q, err = e.requests.ReadRequest(r.Context(), place.PoolID, request)
	}
	if err != nil {
		if refused, ok := errors.AsType[*RequestError](err); ok {
			e.refusals.Refuse(w, r, refused)
			return
		}
		e.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeServerError, Description: "try again later", cause: err})
		return
	}
	user, refused := e.admit(r, q, a, query)
	if refused != nil {
		e.release(r, a, refused)
		e.refusals.Refuse(w, r, e.requests.redirectable(q, refused))
		return
	}
	e.authorize.Finish(w, r, q, user)
}

// release lets an attempt be used again after a failure that passes, such as a provider
// that does not answer: with another answer of the provider, to the same state.
func (e *returnEndpoint) release(r *http.Request, a *attempt, refused *RequestError) {
	if refused.Code != codeUnavailable && refused.Code != codeServerError {
		return
	}
	if err := e.departures.elsewhere.Release(r.Context(), a.try, a.Until); err != nil {
		e.log.ErrorContext(r.Context(), "cannot release a sign-in at another provider", "error", err)
	}
}

// readAttempt opens the state, and uses it up.
func (e *returnEndpoint) readAttempt(r *http.Request, place Place, query url.Values) (*attempt, *RequestError) {
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
	case e.departures.elsewhere == nil || !e.departures.sealer.open(purposeAttempt, place.PoolID, query.Get("state"), a):
		return refuse("state is not one of this service")
	case !e.now().Before(a.Until):
		return refuse("the sign-in took too long")
	case !e.departures.began(r, place.PoolID, a):
		return refuse("the sign-in was not begun in this browser")
	case r.PathValue(SegmentValue) != a.Segment:
		return refuse("the answer came to the redirect URI of another identity provider")
	}
	try, first, err := e.departures.elsewhere.Spend(r.Context(), a.ID, a.Until)
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
func (e *returnEndpoint) admit(r *http.Request, q *Request, a *attempt, query url.Values) (User, *RequestError) {
	switch code := query.Get("error"); {
	case !slices.Contains(q.Client.Providers, a.Provider):
		return User{}, refusal(codeInvalidRequest, "identity_provider is not one of the client's")
	case code == codeAccessDenied:
		return User{}, refusal(codeAccessDenied, "the sign-in was canceled at the identity provider")
	case code != "":
		return User{}, refusal(codeInvalidRequest, described(a.Provider+" Error - "+code+" "+query.Get("error_description")))
	case query.Get("code") == "":
		return User{}, refusal(codeInvalidRequest, described(a.Provider+" Error - no code in its answer"))
	}
	if refused := e.checkRoute(r, q, a); refused != nil {
		return User{}, refused
	}
	user, err := e.departures.elsewhere.Finish(r.Context(), q.Client, a.Provider, a.at(query.Get("state"), q),
		federation.Answer{Code: query.Get("code"), Issuer: query.Get("iss")})
	if err != nil {
		return User{}, e.departures.refusal(r, err)
	}
	return user, nil
}

// checkRoute refuses the answer of a provider whose settings are others than when the
// sign-in began: the code may be of another issuer. Sign-ins that an earlier version
// began have no binding.
func (e *returnEndpoint) checkRoute(r *http.Request, q *Request, a *attempt) *RequestError {
	route, err := e.departures.elsewhere.Route(r.Context(), q.Client.PoolID, a.Provider)
	switch {
	case err != nil:
		return e.departures.refusal(r, err)
	case route.segment() != a.Segment || a.Binding != "" && route.Binding != a.Binding:
		return refusal(codeInvalidRequest, described(a.Provider+" Error - its settings have changed; sign in again"))
	case route.Ambiguous:
		return refusal(codeInvalidRequest, described(a.Provider+" Error - it shares its redirect URI with other providers"))
	}
	return nil
}

// described is the error that a client receives for a provider's failure.
func described(text string) string { return federation.Description(text, 300) }
