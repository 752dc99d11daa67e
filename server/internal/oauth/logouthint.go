package oauth

import (
	"net/http"
	"net/url"
	"slices"
)

// logoutParameters are those of a logout that are read, and that a POST hands on to the
// GET.
var logoutParameters = append(slices.Clone(requestParameters), "logout_uri", "post_logout_redirect_uri")

// logoutByGet answers a POST, which relying parties may send (OpenID Connect RP-Initiated
// Logout 1.0, section 2), with the way to the same request as a GET: a POST of another site
// comes without the cookie of the session that is to end.
func (l *logoutEndpoint) logoutByGet(w http.ResponseWriter, r *http.Request, place Place) {
	form, e := readForm(w, r)
	if e != nil {
		l.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: e.description})
		return
	}
	query := url.Values{}
	for _, name := range logoutParameters {
		if form.Has(name) {
			query.Set(name, form.Get(name))
		}
	}
	to := query.Encode()
	if tooLong(to, query) {
		l.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "the request is too long"})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, place.Base+"/logout?"+to, http.StatusSeeOther)
}

// applyHint gives a logout request that names no client the one that its id_token_hint is
// for. ask says that the person has to be asked: the hint proves nothing, or it is about
// another user than the one who is signed in.
func (l *logoutEndpoint) applyHint(r *http.Request, place Place, query url.Values) (ask bool, e *RequestError) {
	fail := func(err error) *RequestError {
		return &RequestError{PoolID: place.PoolID, Code: codeServerError, Description: "try again later", cause: err}
	}
	if !query.Has("post_logout_redirect_uri") && !query.Has("id_token_hint") || query.Has("logout_uri") {
		return false, nil
	}
	if len(query["id_token_hint"]) > 1 {
		return false, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "id_token_hint is there more than once"}
	}
	client, sub, err := l.users.Hint(r.Context(), place.PoolID, query.Get("id_token_hint"))
	switch {
	case err != nil:
		return false, fail(err)
	case client == "":
		return !query.Has("client_id"), nil
	case !query.Has("client_id"):
		query.Set("client_id", client)
	case query.Get("client_id") != client:
		return false, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "id_token_hint is another client's"}
	}
	user, signedIn, err := l.sessions.Session(r, place.PoolID)
	if err != nil {
		return false, fail(err)
	}
	return signedIn && user.Sub != sub, nil
}

// askBeforeLogout sends the person to the page that asks, if there is a session to end.
func (l *logoutEndpoint) askBeforeLogout(w http.ResponseWriter, r *http.Request, place Place) {
	_, signedIn, err := l.sessions.Session(r, place.PoolID)
	switch {
	case err != nil:
		l.refusals.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeServerError, Description: "try again later", cause: err})
	case signedIn:
		redirect(w, r, place.Base+"/signOut")
	default:
		l.signedOut(w, r, "")
	}
}

// signedOut shows the page of those who signed out.
func (l *logoutEndpoint) signedOut(w http.ResponseWriter, r *http.Request, clientID string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	l.page(w, r, clientID)
}
