package oauth

import (
	"errors"
	"net/http"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// UserInfo serves GET and POST /oauth2/userInfo (OpenID Connect Core 1.0, section
// 5.3). As Cognito's, all values are texts, email_verified too.
func (p *Provider) UserInfo(w http.ResponseWriter, r *http.Request) {
	if !p.allow(w, r, http.MethodGet, http.MethodHead, http.MethodPost) {
		return
	}
	place, ok := p.at(w, r)
	if !ok {
		return
	}
	token, ok := bearer(r)
	if !ok {
		p.Note(r.Context(), codeInvalidRequest)
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeJSON(w, http.StatusUnauthorized, errorAnswer{codeInvalidRequest, "the access token goes into the Authorization header"})
		return
	}
	username, attributes, err := p.Users.UserInfo(r.Context(), place.PoolID, token)
	if e, refused := errors.AsType[*wire.Exception](err); refused {
		p.Note(r.Context(), codeInvalidToken)
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, errorAnswer{codeInvalidToken, e.Message})
		return
	}
	if err != nil {
		p.writeRefused(w, r, p.broken(r.Context(), err))
		return
	}
	answer := map[string]string{"username": username}
	for _, attribute := range attributes {
		answer[attribute.Name] = attribute.Value
	}
	writeJSON(w, http.StatusOK, answer)
}

// Revoke serves POST /oauth2/revoke (RFC 7009). A token that is over or was never
// issued is answered as done.
func (p *Provider) Revoke(w http.ResponseWriter, r *http.Request) {
	if !p.allow(w, r, http.MethodPost) {
		return
	}
	place, ok := p.at(w, r)
	if !ok {
		return
	}
	if e := p.revoke(w, r, place.PoolID); e != nil {
		p.writeRefused(w, r, e)
		return
	}
	noStore(w.Header())
	w.WriteHeader(http.StatusOK)
}

func (p *Provider) revoke(w http.ResponseWriter, r *http.Request, poolID string) *refused {
	form, e := readForm(w, r)
	if e != nil {
		return e
	}
	client, e := p.authenticate(r.Context(), poolID, r, form)
	if e != nil {
		if e.code == codeInvalidClient {
			e.status = http.StatusUnauthorized
		}
		return e
	}
	token := form.Get("token")
	switch {
	case token == "":
		return bad(codeInvalidRequest, "token is missing")
	case !client.Revocable:
		return bad(codeInvalidRequest, "token revocation is off for this client")
	}
	err := p.Issuer.Revoke(r.Context(), client, wire.Sensitive(token))
	if wire.IsException(err, wire.UnsupportedTokenTypeException) {
		return bad(codeUnsupportedToken, "only refresh tokens can be revoked")
	}
	return p.judge(r.Context(), err)
}
