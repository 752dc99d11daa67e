package oauth

import (
	"net/http"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// revocationEndpoint revokes refresh tokens.
type revocationEndpoint struct {
	front         *front
	authenticator *authenticator
	replies       *replies
	issuer        Issuer
}

// Revoke serves POST /oauth2/revoke (RFC 7009). A token that is over or was never
// issued is answered as done.
func (e *revocationEndpoint) Revoke(w http.ResponseWriter, r *http.Request) {
	place, ok := e.front.enter(w, r, http.MethodPost)
	if !ok {
		return
	}
	if refused := e.revoke(w, r, place.PoolID); refused != nil {
		e.replies.write(w, r, refused)
		return
	}
	noStore(w.Header())
	w.WriteHeader(http.StatusOK)
}

func (e *revocationEndpoint) revoke(w http.ResponseWriter, r *http.Request, poolID string) *refused {
	form, client, refused := e.authenticator.form(w, r, poolID)
	if refused != nil {
		if refused.code == codeInvalidClient {
			refused.status = http.StatusUnauthorized
		}
		return refused
	}
	token := form.Get("token")
	switch {
	case token == "":
		return bad(codeInvalidRequest, "token is missing")
	case !client.Revocable:
		return bad(codeInvalidRequest, "token revocation is off for this client")
	}
	err := e.issuer.Revoke(r.Context(), client, wire.Sensitive(token))
	if wire.IsException(err, wire.UnsupportedTokenTypeException) {
		return bad(codeUnsupportedToken, "only refresh tokens can be revoked")
	}
	return e.replies.judge(r.Context(), err)
}
