package oauth

import (
	"errors"
	"net/http"
	"net/url"
)

// Logout serves GET /logout: it takes the browser's session away and goes to
// logout_uri, which must be registered, or, with redirect_uri and response_type,
// back to the login page. With neither, there is a page that says so. It revokes
// no tokens. A request that is refused changes nothing.
func (p *Provider) Logout(w http.ResponseWriter, r *http.Request) {
	if !p.allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	place, ok := p.at(w, r)
	if !ok {
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		p.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeInvalidRequest, Description: "the query is malformed or too long"})
		return
	}
	to, e := p.afterLogout(r, place, query)
	if e != nil {
		p.Refuse(w, r, e)
		return
	}
	if err := p.end(w, r, place.PoolID); err != nil {
		p.Refuse(w, r, &RequestError{PoolID: place.PoolID, Code: codeServerError, Description: "try again later", cause: err})
		return
	}
	if to == "" {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		p.SignedOut(w, r, query.Get("client_id"))
		return
	}
	redirect(w, r, to)
}

// afterLogout finds where a logout leads; "" is nowhere else.
func (p *Provider) afterLogout(r *http.Request, place Place, query url.Values) (string, *RequestError) {
	refuse := func(code, description string) (string, *RequestError) {
		return "", &RequestError{PoolID: place.PoolID, Code: code, Description: description}
	}
	toLogin := query.Has("redirect_uri") || query.Has("response_type")
	if toLogin && query.Get("logout_uri") == "" {
		request, err := p.ReadRequest(r.Context(), place.PoolID, query)
		if e, refused := errors.AsType[*RequestError](err); refused {
			e.Redirect = "" // a logout answers to nobody but the person
			return "", e
		}
		return place.Base + "/login?" + request.Query().Encode(), nil
	}
	id, target := query["client_id"], query["logout_uri"]
	if len(id) != 1 || len(target) > 1 || len(target) == 1 && (target[0] == "" || len(target[0]) > maxParameter) {
		return refuse(codeInvalidRequest, "client_id must be there, once, and logout_uri at most once")
	}
	client, err := p.client(r.Context(), place.PoolID, id[0])
	if e, refused := errors.AsType[*RequestError](err); refused {
		return "", e
	}
	if len(target) == 0 {
		return "", nil
	}
	if !registered(client.LogoutURLs, target[0]) {
		return refuse(codeRedirectMismatch, "logout_uri is not one of the client's sign-out URLs, character by character")
	}
	return target[0], nil
}
