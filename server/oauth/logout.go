package oauth

import (
	"errors"
	"net/http"
	"net/url"
)

// Logout serves GET /logout: it takes the browser's session away and goes to
// logout_uri, which must be registered, or, with redirect_uri and response_type,
// back to the login page. It revokes no tokens. A request that is refused changes
// nothing.
func (p *Provider) Logout(w http.ResponseWriter, r *http.Request) {
	if !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	place, ok := p.at(w, r)
	if !ok {
		return
	}
	to, e := p.afterLogout(r, place)
	if e != nil {
		p.Refuse(w, r, e)
		return
	}
	p.end(w, r, place.PoolID)
	redirect(w, r, to)
}

// afterLogout finds where a logout leads.
func (p *Provider) afterLogout(r *http.Request, place Place) (string, *RequestError) {
	refuse := func(code, description string) (string, *RequestError) {
		return "", &RequestError{PoolID: place.PoolID, Code: code, Description: description}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		return refuse(codeInvalidRequest, "the query is malformed or too long")
	}
	target := query.Get("logout_uri")
	if target == "" {
		request, err := p.ReadRequest(r.Context(), place.PoolID, query)
		if e, refused := errors.AsType[*RequestError](err); refused {
			e.Redirect = "" // a logout answers to nobody but the person
			return "", e
		}
		return place.Base + "/login?" + request.Query().Encode(), nil
	}
	if len(query["logout_uri"]) != 1 || len(query["client_id"]) != 1 || len(target) > maxParameter {
		return refuse(codeInvalidRequest, "client_id and logout_uri must be there, once")
	}
	client, err := p.client(r.Context(), place.PoolID, query.Get("client_id"))
	if e, refused := errors.AsType[*RequestError](err); refused {
		return "", e
	}
	if !registered(client.LogoutURLs, target) {
		return refuse(codeRedirectMismatch, "logout_uri is not one of the client's sign-out URLs, character by character")
	}
	return target, nil
}
