package oauth

import (
	"errors"
	"net/http"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// userInfoEndpoint returns the attributes of a user to the bearer of an access token.
type userInfoEndpoint struct {
	front   *front
	replies *replies
	users   Users
}

// UserInfo serves GET and POST /oauth2/userInfo (OpenID Connect Core 1.0, section
// 5.3). As Cognito's, all values are texts, email_verified too.
func (e *userInfoEndpoint) UserInfo(w http.ResponseWriter, r *http.Request) {
	place, ok := e.front.enter(w, r, http.MethodGet, http.MethodHead, http.MethodPost)
	if !ok {
		return
	}
	token, ok := bearer(r)
	if !ok {
		e.replies.note(r.Context(), codeInvalidRequest)
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeJSON(w, http.StatusUnauthorized, errorAnswer{codeInvalidRequest, "the access token goes into the Authorization header"})
		return
	}
	username, attributes, err := e.users.UserInfo(r.Context(), place.PoolID, token)
	if refusal, ok := errors.AsType[*wire.Exception](err); ok {
		e.replies.note(r.Context(), codeInvalidToken)
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, errorAnswer{codeInvalidToken, refusal.Message})
		return
	}
	if err != nil {
		e.replies.write(w, r, e.replies.broken(r.Context(), err))
		return
	}
	answer := map[string]string{"username": username}
	for _, attribute := range attributes {
		answer[attribute.Name] = attribute.Value
	}
	writeJSON(w, http.StatusOK, answer)
}
