package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Bounds of a request's parameters, in bytes.
const (
	maxParameter = 2048 // redirect_uri, scope
	maxState     = 4096
	maxNonce     = 512
	maxHint      = 256
)

// Request is an authorization request that was found good (RFC 6749, section
// 4.1.1; OpenID Connect Core 1.0, section 3.1.2.1).
type Request struct {
	Client      *Client
	RedirectURI string // as it came, and registered
	Implicit    bool   // response_type token
	Scope       string // granted: what the client may have of what it asked for
	allScopes   bool   // it asked for none, and has all of the client's
	State       string
	Nonce       string
	Challenge   string // PKCE, S256; empty for none
	Prompt      []string
	MaxAge      time.Duration // -1 for none
	LoginHint   string
	Lang        string
	// IdentityProvider is where the person is to sign in, as identity_provider or
	// idp_identifier names it; "" is for the person to choose.
	IdentityProvider string
	// IDTokenHint is an ID token of the user who is expected. The pages do not carry it on:
	// it matters only to the browser's session.
	IDTokenHint string
}

// Query gives the request as a query again, for links between pages. It leaves IDTokenHint out.
func (q *Request) Query() url.Values {
	v := url.Values{"client_id": {q.Client.ID}, "redirect_uri": {q.RedirectURI}, "response_type": {"code"}}
	if !q.allScopes { // all of them may be longer than a request's scope may be
		v.Set("scope", q.Scope)
	}
	if q.Implicit {
		v.Set("response_type", "token")
	}
	for name, value := range map[string]string{
		"state": q.State, "nonce": q.Nonce, "code_challenge": q.Challenge, "login_hint": q.LoginHint, "lang": q.Lang,
		"prompt": strings.Join(q.Prompt, " "), "identity_provider": q.IdentityProvider,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Challenge != "" {
		v.Set("code_challenge_method", "S256")
	}
	if q.MaxAge >= 0 {
		v.Set("max_age", strconv.FormatInt(int64(q.MaxAge/time.Second), 10))
	}
	return v
}

// RequestError is an authorization or logout request that was refused.
type RequestError struct {
	PoolID      string
	Code        string // error of RFC 6749, section 4.1.2.1, or redirect_mismatch
	Description string
	// Redirect is where the error may be taken to, complete; "" where the request
	// names no registered URI, and only a page can tell the person.
	Redirect string
	cause    error // the service's own trouble, for the log
}

func (e *RequestError) Error() string { return "oauth: " + e.Code + ": " + e.Description }

// Unwrap gives the service's own trouble, if it was that.
func (e *RequestError) Unwrap() error { return e.cause }

// Codes of errors (RFC 6749, sections 4.1.2.1 and 5.2; OpenID Connect Core 1.0,
// section 3.1.2.6; redirect_mismatch is Cognito's).
const (
	codeInvalidRequest     = "invalid_request"
	codeInvalidClient      = "invalid_client"
	codeInvalidGrant       = "invalid_grant"
	codeInvalidScope       = "invalid_scope"
	codeUnauthorizedClient = "unauthorized_client"
	codeUnsupportedGrant   = "unsupported_grant_type"
	codeUnsupportedType    = "unsupported_response_type"
	codeUnsupportedToken   = "unsupported_token_type"
	codeLoginRequired      = "login_required"
	codeServerError        = "server_error"
	codeRedirectMismatch   = "redirect_mismatch"
	codeAccessDenied       = "access_denied"
	codeUnavailable        = "temporarily_unavailable"
	codeInvalidToken       = "invalid_token" // RFC 6750, section 3.1

	codeMethod   = "method_not_allowed" // these two are no answers, but noted
	codeNotFound = "not_found"
)

// requestParameters are those that are read; each may be there once.
var requestParameters = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age",
	"code_challenge", "code_challenge_method", "login_hint", "lang", "identity_provider", "idp_identifier", "id_token_hint", "request", "request_uri",
}

// requests reads authorization requests and addresses the answers to them.
type requests struct {
	clients      Clients
	issuerURL    func(poolID string) string
	optionalPKCE bool
}

// ReadRequest reads and checks an authorization request from a query, of
// /oauth2/authorize or of a page that carries it on. Its error is a *RequestError.
func (rs *requests) ReadRequest(ctx context.Context, poolID string, query url.Values) (*Request, error) {
	refuse := func(code, description string) error {
		return &RequestError{PoolID: poolID, Code: code, Description: description}
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		if len(query[name]) != 1 || query.Get(name) == "" || len(query.Get(name)) > maxParameter {
			return nil, refuse(codeInvalidRequest, name+" must be there, once")
		}
	}
	client, err := rs.client(ctx, poolID, query.Get("client_id"))
	if err != nil {
		return nil, err
	}
	redirect := query.Get("redirect_uri")
	if !registered(client.CallbackURLs, redirect) {
		return nil, refuse(codeRedirectMismatch, "redirect_uri is not one of the client's callback URLs, character by character")
	}
	q := &Request{Client: client, RedirectURI: redirect, MaxAge: -1}
	if err := q.read(query, rs.optionalPKCE); err != nil {
		return nil, rs.redirectable(q, err)
	}
	if len(q.Query().Encode()) > MaxQuery {
		return nil, rs.redirectable(q, refusal(codeInvalidRequest, "the request is too long in percent encoding; shorten state"))
	}
	return q, nil
}

// client finds a client of the pool, for an authorization or logout request.
func (rs *requests) client(ctx context.Context, poolID, id string) (*Client, error) {
	client, err := rs.clients.OAuthClient(ctx, id)
	if _, refused := errors.AsType[*wire.Exception](err); refused || err == nil && client.PoolID != poolID {
		return nil, &RequestError{PoolID: poolID, Code: codeInvalidClient, Description: "the client does not exist"}
	}
	if err != nil {
		return nil, &RequestError{PoolID: poolID, Code: codeServerError, Description: "try again later", cause: err}
	}
	return client, nil
}

// redirectable adds to an error the address that it is sent to.
func (rs *requests) redirectable(q *Request, e *RequestError) *RequestError {
	e.PoolID = q.Client.PoolID
	values := url.Values{"error": {e.Code}, "error_description": {e.Description}}
	e.Redirect = rs.answerURL(q, values)
	return e
}

// refusal is a RequestError before redirectable addresses it.
func refusal(code, description string) *RequestError {
	return &RequestError{Code: code, Description: description}
}

// read fills in what may be answered by a redirect.
func (q *Request) read(query url.Values, optionalPKCE bool) *RequestError {
	// State and response type first: they decide how an error travels.
	q.Implicit = slices.Equal(query["response_type"], []string{"token"})
	if len(query["state"]) == 1 && len(query.Get("state")) <= maxState && utf8.ValidString(query.Get("state")) {
		q.State = query.Get("state")
	}
	for _, name := range requestParameters {
		if len(query[name]) > 1 {
			return refusal(codeInvalidRequest, name+" is there more than once")
		}
	}
	for _, step := range []func(url.Values) *RequestError{q.readResponse, q.readTexts, q.readPrompt, q.readScope} {
		if err := step(query); err != nil {
			return err
		}
	}
	return q.readPKCE(query, optionalPKCE)
}

// readResponse checks how the client wants to be answered, and that it may be.
func (q *Request) readResponse(query url.Values) *RequestError {
	kind := query.Get("response_type")
	flow, known := map[string]string{"code": "code", "token": "implicit"}[kind]
	mode := query.Get("response_mode")
	switch {
	case kind == "":
		return refusal(codeInvalidRequest, "response_type is missing")
	case !known:
		return refusal(codeUnsupportedType, "response_type must be code or token")
	case !q.Client.Enabled || !slices.Contains(q.Client.Flows, flow):
		return refusal(codeUnauthorizedClient, "the client is not allowed this response_type")
	case mode != "" && mode != map[bool]string{false: "query", true: "fragment"}[q.Implicit]:
		return refusal(codeInvalidRequest, "response_mode is not supported with this response_type")
	case query.Get("request") != "" || query.Get("request_uri") != "":
		return refusal(codeInvalidRequest, "request objects are not supported")
	}
	return nil
}

// readTexts takes over what is echoed, shown or handed on.
func (q *Request) readTexts(query url.Values) *RequestError {
	for name, text := range map[string]struct {
		into *string
		most int
	}{
		"state": {&q.State, maxState}, "nonce": {&q.Nonce, maxNonce}, "login_hint": {&q.LoginHint, maxHint}, "lang": {&q.Lang, maxHint},
	} {
		value := query.Get(name)
		if len(value) > text.most || !utf8.ValidString(value) {
			return refusal(codeInvalidRequest, name+" is longer than "+strconv.Itoa(text.most)+" bytes, or not UTF-8")
		}
		*text.into = value
	}
	q.IDTokenHint = query.Get("id_token_hint")
	q.IdentityProvider = query.Get("identity_provider")
	if id := query.Get("idp_identifier"); q.IdentityProvider == "" && id != "" {
		q.IdentityProvider = cmp.Or(q.Client.Identifiers[id], id)
	}
	// A client that names no providers has the pool's own users.
	own := q.IdentityProvider == ownProvider && len(q.Client.Providers) == 0
	if q.IdentityProvider != "" && !own && !slices.Contains(q.Client.Providers, q.IdentityProvider) {
		return refusal(codeInvalidRequest, "identity_provider is not one of the client's")
	}
	return nil
}

// readPrompt reads how a person must have signed in.
func (q *Request) readPrompt(query url.Values) *RequestError {
	q.Prompt = strings.Fields(query.Get("prompt"))
	for _, prompt := range q.Prompt {
		if !slices.Contains([]string{"none", "login", "select_account", "consent"}, prompt) {
			return refusal(codeInvalidRequest, "prompt must be none, login, select_account or consent")
		}
	}
	if slices.Contains(q.Prompt, "none") && len(q.Prompt) > 1 {
		return refusal(codeInvalidRequest, "prompt none excludes the others")
	}
	if text := query.Get("max_age"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 32)
		if err != nil || seconds < 0 {
			return refusal(codeInvalidRequest, "max_age must be a number of seconds")
		}
		q.MaxAge = time.Duration(seconds) * time.Second
	}
	return nil
}

// readScope takes of the scopes that were asked for those that the client may
// have; without any, all of the client's. What needs openid falls away without it.
func (q *Request) readScope(query url.Values) *RequestError {
	text := query.Get("scope")
	if len(text) > maxParameter {
		return refusal(codeInvalidScope, "scope is too long")
	}
	asked := strings.Fields(text)
	q.allScopes = len(asked) == 0
	if q.allScopes {
		asked = q.Client.Scopes
	}
	openID := slices.Contains(asked, "openid")
	var granted []string
	for _, scope := range asked {
		needsOpenID := scope == "email" || scope == "phone" || scope == "profile"
		if slices.Contains(q.Client.Scopes, scope) && !slices.Contains(granted, scope) && (openID || !needsOpenID) {
			granted = append(granted, scope)
		}
	}
	if len(granted) == 0 {
		return refusal(codeInvalidScope, "none of the scopes is the client's; email, phone and profile need openid")
	}
	q.Scope = strings.Join(granted, " ")
	return nil
}

// readPKCE reads the code challenge (RFC 7636, section 4.3). Only S256 is taken,
// and a public client must have one (RFC 9700, section 2.1.1).
func (q *Request) readPKCE(query url.Values, optional bool) *RequestError {
	challenge, method := query.Get("code_challenge"), query.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return refusal(codeInvalidRequest, "code_challenge is missing")
	case challenge == "" && !q.Implicit && q.Client.Secret == "" && !optional:
		return refusal(codeInvalidRequest, "code_challenge is required: use PKCE with S256")
	case challenge == "":
		return nil
	case method != "S256":
		return refusal(codeInvalidRequest, "code_challenge_method must be S256")
	case !isChallenge(challenge):
		return refusal(codeInvalidRequest, "code_challenge is not a SHA-256 hash in base64url")
	}
	q.Challenge = challenge
	return nil
}
