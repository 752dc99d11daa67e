package oauth

import (
	"errors"
	"net/http"
	"net/url"
)

// logoutEndpoint signs browsers out.
type logoutEndpoint struct {
	front    *front
	requests *requests
	refusals *refusals
	sessions *browserSessions
	users    Users
	page     func(w http.ResponseWriter, r *http.Request, clientID string) // Config.SignedOut
}

// Logout serves GET /logout: it takes the browser's session away and goes to
// logout_uri, which must be registered, or, with redirect_uri and response_type,
// back to the login page. With neither, there is a page that says so. It revokes
// no tokens. A request that is refused changes nothing.
//
// Clients that do not know Cognito send post_logout_redirect_uri, with a state that comes
// back, and name themselves by client_id or by an id_token_hint (OpenID Connect
// RP-Initiated Logout 1.0, section 2). An expired hint counts, one that no key of the pool
// has signed does not: then a page asks the person. A POST is answered with the way to the
// same GET.
func (l *logoutEndpoint) Logout(w http.ResponseWriter, r *http.Request) {
	place, ok := l.front.enter(w, r, http.MethodGet, http.MethodHead, http.MethodPost)
	if !ok {
		return
	}
	if r.Method == http.MethodPost {
		l.logoutByGet(w, r, place)
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || tooLong(r.URL.RawQuery, query) {
		l.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "the query is malformed or too long"})
		return
	}
	ask, e := l.applyHint(r, place, query)
	var to string
	if e == nil && !ask {
		to, e = l.afterLogout(r, place, query)
	}
	switch {
	case e != nil:
		l.refusals.Refuse(w, r, e)
		return
	case ask:
		l.askBeforeLogout(w, r, place)
		return
	}
	if err := l.sessions.EndSession(w, r, place.PoolID); err != nil {
		l.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeServerError, Description: "try again later", cause: err})
		return
	}
	if to == "" {
		l.signedOut(w, r, query.Get("client_id"))
		return
	}
	redirect(w, r, to)
}

// afterLogout finds where a logout leads; "" is nowhere else.
func (l *logoutEndpoint) afterLogout(r *http.Request, place Place, query url.Values) (string, *RequestError) {
	refuse := func(code, description string) (string, *RequestError) {
		return "", &RequestError{PoolID: place.PoolID, Code: code, Description: description}
	}
	named := "logout_uri"
	if !query.Has(named) && query.Has("post_logout_redirect_uri") {
		named = "post_logout_redirect_uri"
	}
	target := query.Get(named)
	if target == "" && (query.Has("redirect_uri") || query.Has("response_type")) {
		request, err := l.requests.ReadRequest(r.Context(), place.PoolID, query)
		if e, refused := errors.AsType[*RequestError](err); refused {
			e.Redirect = "" // a logout shows its errors on a page
			return "", e
		}
		return place.Base + "/login?" + request.Query().Encode(), nil
	}
	places := len(query["logout_uri"]) + len(query["post_logout_redirect_uri"])
	switch {
	case len(query["client_id"]) != 1 || places > 1 || places == 1 && target == "" || len(target) > maxParameter:
		return refuse(codeInvalidRequest, "client_id must be there, once, and "+named+" at most once")
	case len(query["state"]) > 1 || len(query.Get("state")) > maxState:
		return refuse(codeInvalidRequest, "state is there more than once, or too long")
	}
	client, err := l.requests.client(r.Context(), place.PoolID, query.Get("client_id"))
	if e, refused := errors.AsType[*RequestError](err); refused {
		return "", e
	}
	if places == 0 {
		return "", nil
	}
	if !registered(client.LogoutURLs, target) {
		return refuse(codeRedirectMismatch, named+" is not one of the client's sign-out URLs, character by character")
	}
	return withState(target, named, query), nil
}

// withState gives a sign-out URL the state of a request that named it by
// post_logout_redirect_uri.
func withState(target, named string, query url.Values) string {
	state := query.Get("state")
	if named == "logout_uri" || state == "" {
		return target
	}
	return withQuery(target, url.Values{"state": {state}})
}
