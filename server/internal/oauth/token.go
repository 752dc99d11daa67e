package oauth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// tokenAnswer is a successful answer of the token endpoint (RFC 6749, section 5.1).
type tokenAnswer struct {
	IDToken      wire.Sensitive `json:"id_token,omitzero"`
	AccessToken  wire.Sensitive `json:"access_token"`
	RefreshToken wire.Sensitive `json:"refresh_token,omitzero"`
	ExpiresIn    int32          `json:"expires_in"`
	TokenType    string         `json:"token_type"`
	Scope        string         `json:"scope,omitzero"`
}

// tokenEndpoint issues tokens to clients.
type tokenEndpoint struct {
	front         *front
	authenticator *authenticator
	replies       *replies
	codes         codes
	issuer        Issuer
}

// Token serves POST /oauth2/token.
func (e *tokenEndpoint) Token(w http.ResponseWriter, r *http.Request) {
	place, ok := e.front.enter(w, r, http.MethodPost)
	if !ok {
		return
	}
	tokens, refused := e.grant(w, r, place.PoolID)
	if refused != nil {
		e.replies.write(w, r, refused)
		return
	}
	if !slices.Contains(strings.Fields(tokens.Scope), "openid") {
		tokens.ID = ""
	}
	writeJSON(w, http.StatusOK, tokenAnswer{
		IDToken: tokens.ID, AccessToken: tokens.Access, RefreshToken: tokens.Refresh,
		ExpiresIn: tokens.ExpiresIn, TokenType: wire.TokenTypeBearer, Scope: tokens.Scope,
	})
}

func (e *tokenEndpoint) grant(w http.ResponseWriter, r *http.Request, poolID string) (*Tokens, *refused) {
	form, client, refused := e.authenticator.form(w, r, poolID)
	if refused != nil {
		return nil, refused
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		return e.redeem(r.Context(), client, form)
	case "refresh_token":
		return e.refresh(r.Context(), client, form)
	case "client_credentials":
		return e.forItself(r.Context(), client, form)
	case "":
		return nil, bad(codeInvalidRequest, "grant_type is missing")
	}
	return nil, bad(codeUnsupportedGrant, "grant_type must be authorization_code, refresh_token or client_credentials")
}

// redeem takes an authorization code (RFC 6749, section 4.1.3).
func (e *tokenEndpoint) redeem(ctx context.Context, client *Client, form url.Values) (*Tokens, *refused) {
	text := form.Get("code")
	switch {
	case text == "" || form.Get("redirect_uri") == "":
		return nil, bad(codeInvalidRequest, "code and redirect_uri must be there")
	case !client.Enabled || !slices.Contains(client.Flows, "code"):
		return nil, bad(codeUnauthorizedClient, "the client is not allowed the code grant")
	}
	c, ok := e.codes.read(client.PoolID, text)
	switch {
	case !ok || c.Client != client.ID:
		return nil, bad(codeInvalidGrant, "the code is unknown, expired, or another client's")
	case c.Redirect != form.Get("redirect_uri"):
		return nil, bad(codeInvalidGrant, "redirect_uri is not the one of the authorization request")
	case !c.proves(form.Get("code_verifier")):
		return nil, bad(codeInvalidGrant, "code_verifier does not belong to the code_challenge")
	}
	tokens, err := e.issuer.Issue(ctx, client.ID, c.User.user(client.PoolID), Grant{
		SessionID: c.Session, Until: c.Until, Scope: c.Scope, Nonce: c.Nonce,
	})
	return tokens, e.replies.judge(ctx, err)
}

// refresh takes a refresh token (RFC 6749, section 6).
func (e *tokenEndpoint) refresh(ctx context.Context, client *Client, form url.Values) (*Tokens, *refused) {
	token := form.Get("refresh_token")
	if token == "" {
		return nil, bad(codeInvalidRequest, "refresh_token is missing")
	}
	tokens, err := e.issuer.Refresh(ctx, client.ID, wire.Sensitive(token), form.Get("scope"))
	return tokens, e.replies.judge(ctx, err)
}

// forItself issues a token for the client itself (RFC 6749, section 4.4): custom scopes only,
// all of the client's if the request names none.
func (e *tokenEndpoint) forItself(ctx context.Context, client *Client, form url.Values) (*Tokens, *refused) {
	if client.Secret == "" || !client.Enabled || !slices.Contains(client.Flows, "client_credentials") {
		return nil, bad(codeUnauthorizedClient, "the client is not allowed the client_credentials grant")
	}
	asked := strings.Fields(form.Get("scope"))
	named := len(asked) > 0
	if !named {
		asked = client.Scopes
	}
	var granted []string
	for _, scope := range asked {
		custom := strings.Contains(scope, "/") && slices.Contains(client.Scopes, scope)
		if named && !custom {
			return nil, bad(codeInvalidScope, "a scope is not one of the client's custom scopes")
		}
		if custom && !slices.Contains(granted, scope) {
			granted = append(granted, scope)
		}
	}
	if len(granted) == 0 {
		return nil, bad(codeInvalidScope, "the client has no custom scope")
	}
	tokens, err := e.issuer.IssueToClient(ctx, client.ID, strings.Join(granted, " "))
	return tokens, e.replies.judge(ctx, err)
}
