package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/random"
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

// errorAnswer is an error of an endpoint that programs call.
type errorAnswer struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitzero"`
}

// Token serves POST /oauth2/token.
func (p *Provider) Token(w http.ResponseWriter, r *http.Request) {
	if !p.allow(w, r, http.MethodPost) {
		return
	}
	place, ok := p.at(w, r)
	if !ok {
		return
	}
	tokens, e := p.grant(w, r, place.PoolID)
	if e != nil {
		p.writeRefused(w, r, e)
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

func (p *Provider) grant(w http.ResponseWriter, r *http.Request, poolID string) (*Tokens, *refused) {
	form, e := readForm(w, r)
	if e != nil {
		return nil, e
	}
	client, e := p.authenticate(r.Context(), poolID, r, form)
	if e != nil {
		return nil, e
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		return p.redeem(r.Context(), client, form)
	case "refresh_token":
		return p.refresh(r.Context(), client, form)
	case "client_credentials":
		return p.forItself(r.Context(), client, form)
	case "":
		return nil, bad(codeInvalidRequest, "grant_type is missing")
	}
	return nil, bad(codeUnsupportedGrant, "grant_type must be authorization_code, refresh_token or client_credentials")
}

// redeem takes an authorization code (RFC 6749, section 4.1.3).
func (p *Provider) redeem(ctx context.Context, client *Client, form url.Values) (*Tokens, *refused) {
	text := form.Get("code")
	switch {
	case text == "" || form.Get("redirect_uri") == "":
		return nil, bad(codeInvalidRequest, "code and redirect_uri must be there")
	case !client.Enabled || !slices.Contains(client.Flows, "code"):
		return nil, bad(codeUnauthorizedClient, "the client is not allowed the code grant")
	}
	c, ok := p.openCode(client.PoolID, text)
	switch {
	case !ok || c.Client != client.ID:
		return nil, bad(codeInvalidGrant, "the code is unknown, expired, or another client's")
	case c.Redirect != form.Get("redirect_uri"):
		return nil, bad(codeInvalidGrant, "redirect_uri is not the one of the authorization request")
	case !c.proves(form.Get("code_verifier")):
		return nil, bad(codeInvalidGrant, "code_verifier does not belong to the code_challenge")
	}
	tokens, err := p.Issuer.Issue(ctx, client.ID, c.User.user(client.PoolID), Grant{
		SessionID: c.Session, Until: c.Until, Scope: c.Scope, Nonce: c.Nonce,
	})
	return tokens, p.judge(ctx, err)
}

// judge turns an error of the Issuer into what the client is told.
func (p *Provider) judge(ctx context.Context, err error) *refused {
	e, final := errors.AsType[*wire.Exception](err)
	switch {
	case err == nil:
		return nil
	case !final:
		return p.broken(ctx, err)
	case e.Type == wire.TooManyRequestsException:
		return &refused{status: http.StatusTooManyRequests, code: codeServerError, description: "too many requests"}
	case e.Type == wire.InvalidUserPoolConfigurationException: // not the grant's fault, which stays good
		return &refused{status: http.StatusInternalServerError, code: codeServerError, description: e.Message}
	case e.Type == wire.ScopeDoesNotExistException:
		return bad(codeInvalidScope, "the session has fewer scopes")
	}
	return bad(codeInvalidGrant, strings.Trim(e.Message, "."))
}

// refresh takes a refresh token (RFC 6749, section 6).
func (p *Provider) refresh(ctx context.Context, client *Client, form url.Values) (*Tokens, *refused) {
	token := form.Get("refresh_token")
	if token == "" {
		return nil, bad(codeInvalidRequest, "refresh_token is missing")
	}
	tokens, err := p.Issuer.Refresh(ctx, client.ID, wire.Sensitive(token), form.Get("scope"))
	return tokens, p.judge(ctx, err)
}

// forItself gives a client a token of its own (RFC 6749, section 4.4): custom
// scopes only, all of the client's where none is named.
func (p *Provider) forItself(ctx context.Context, client *Client, form url.Values) (*Tokens, *refused) {
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
	tokens, err := p.Issuer.IssueToClient(ctx, client.ID, strings.Join(granted, " "))
	return tokens, p.judge(ctx, err)
}

func (p *Provider) writeRefused(w http.ResponseWriter, r *http.Request, e *refused) {
	p.Note(r.Context(), e.code)
	if e.basic {
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth2", charset="UTF-8"`)
	}
	writeJSON(w, e.status, errorAnswer{e.code, e.description})
}

// writeJSON writes an answer that nobody may keep (RFC 6749, section 5.1).
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := wire.Marshal(v)
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("x-amz-cognito-request-id", random.UUID())
	noStore(h)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
}
