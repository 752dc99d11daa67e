package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/oauth"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
)

// routeOAuth mounts the OAuth endpoints, below the pool's id and, for a pool's
// domains, at the root of a host.
func (s *Server) routeOAuth(mux *http.ServeMux) {
	s.pages = map[string]bool{}
	for _, base := range []string{"", "/{pool}"} {
		s.endpoint(mux, base, "/oauth2/token", s.oauth.Token)
		s.endpoint(mux, base, "/token", s.oauth.Token)
		s.endpoint(mux, base, "/oauth2/userInfo", s.oauth.UserInfo)
		s.endpoint(mux, base, "/oauth2/revoke", s.oauth.Revoke)
		s.page(mux, base, "/oauth2/authorize", s.oauth.Authorize)
		s.page(mux, base, "/authorize", s.oauth.Authorize)
		s.page(mux, base, federation.ReturnPath, s.oauth.Return)
		s.page(mux, base, federation.ReturnPath+"/{"+oauth.SegmentValue+"}", s.oauth.Return)
		s.page(mux, base, "/logout", s.oauth.Logout)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", s.observed("/.well-known/openid-configuration", s.document(s.atDomain(s.serveDiscovery))))
	mux.HandleFunc("GET /.well-known/jwks.json", s.observed("/.well-known/jwks.json", s.document(s.atDomain(s.serveJWKS))))
}

// endpoint mounts what programs call: within the bound of their source.
func (s *Server) endpoint(mux *http.ServeMux, base, path string, handler http.HandlerFunc) {
	mux.HandleFunc(base+path, s.observed(path, s.bounded(handler)))
}

// bounded serves requests within the bound of their source, and for a bounded time.
func (s *Server) bounded(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.admits(s.sources, r) {
			tooManyRequests(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(pool.WithSource(r.Context(), s.source(r)), operationTimeout)
		defer cancel()
		handler(w, r.WithContext(ctx))
	}
}

// document bounds what verifiers of tokens fetch, apart from other requests: a
// source that signs in too often must not lose the keys of its tokens.
func (s *Server) document(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.admits(s.documents, r) {
			tooManyRequests(w, r)
			return
		}
		handler(w, r)
	}
}

func tooManyRequests(w http.ResponseWriter, r *http.Request) {
	noteOutcome(r.Context(), wire.TooManyRequestsException)
	w.Header().Set("Retry-After", "1")
	http.Error(w, "too many requests", http.StatusTooManyRequests)
}

// observed reports the outcome of each request for a path to the observer.
func (s *Server) observed(path string, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start, ended := time.Now(), new(outcome)
		handler(w, r.WithContext(context.WithValue(r.Context(), outcomeKey{}, ended)))
		s.noteEndpoint(r, path, ended.code, time.Since(start))
	}
}

// page is endpoint for what a person looks at: no other origin may read it.
func (s *Server) page(mux *http.ServeMux, base, path string, handler http.HandlerFunc) {
	s.pages[base+path] = true
	s.endpoint(mux, base, path, s.atPool(path, handler))
}

// outcome is how a request ended: the first thing that went wrong, "" for nothing.
type (
	outcome    struct{ code string }
	outcomeKey struct{}
)

// noteOutcome is what packages oauth and hosted tell of their answers.
func noteOutcome(ctx context.Context, code string) {
	if o, ok := ctx.Value(outcomeKey{}).(*outcome); ok && o.code == "" {
		o.code = code
	}
}

// noteEndpoint is note for what is no operation of the API. Whatever was sent, there
// are few names: a path as it is mounted, behind one of three words.
func (s *Server) noteEndpoint(r *http.Request, path, code string, took time.Duration) {
	method := "OTHER"
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		method = http.MethodGet
	case http.MethodPost:
		method = http.MethodPost
	}
	operation := method + " " + path
	s.observe(r.Context(), operation, code, took)
	s.log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("operation", operation), slog.String("exception", code),
		slog.Duration("took", took), slog.String("source", r.RemoteAddr))
}

// atDomain serves a document of the pool whose domain the host is.
func (s *Server) atDomain(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		place, ok := s.oauth.Place(r)
		if !ok {
			noteOutcome(r.Context(), "not_found")
			http.Error(w, "no such pool", http.StatusNotFound)
			return
		}
		r.SetPathValue("pool", place.PoolID)
		handler(w, r)
	}
}

// browserSide is the user pools as package oauth asks for them.
type browserSide struct{ tokens *tokens.Service }

func (b browserSide) OAuthClient(ctx context.Context, id string) (*oauth.Client, error) {
	c, err := b.tokens.AppClient(ctx, id)
	if err != nil {
		return nil, err
	}
	set := c.Settings
	return &oauth.Client{
		ID: c.ID, PoolID: c.PoolID, Name: c.Name, Secret: c.Secret, Revocable: c.Revocable,
		Enabled:      set.AllowedOAuthFlowsUserPoolClient != nil && *set.AllowedOAuthFlowsUserPoolClient,
		CallbackURLs: set.CallbackURLs, LogoutURLs: set.LogoutURLs,
		Flows: set.AllowedOAuthFlows, Scopes: set.AllowedOAuthScopes, Providers: set.SupportedIdentityProviders,
		Identifiers: c.Identifiers,
	}, nil
}

func (b browserSide) PoolOfDomain(ctx context.Context, name string) (string, error) {
	return b.tokens.PoolOfDomain(ctx, name)
}

func (b browserSide) Issue(ctx context.Context, clientID string, user oauth.User, grant oauth.Grant) (*oauth.Tokens, error) {
	result, err := b.tokens.IssueTokens(ctx, clientID, tokens.Proven(user), tokens.BrowserGrant(grant))
	return tokensOf(result, grant.Scope), err
}

func (b browserSide) Refresh(ctx context.Context, clientID string, token wire.Sensitive, scope string) (*oauth.Tokens, error) {
	result, granted, err := b.tokens.RefreshTokens(ctx, clientID, token, scope)
	return tokensOf(result, granted), err
}

func (b browserSide) IssueToClient(ctx context.Context, clientID, scope string) (*oauth.Tokens, error) {
	result, err := b.tokens.ClientToken(ctx, clientID, scope)
	return tokensOf(result, scope), err
}

func (b browserSide) Revoke(ctx context.Context, client *oauth.Client, token wire.Sensitive) error {
	_, err := b.tokens.RevokeToken(ctx, &wire.RevokeTokenRequest{ClientId: client.ID, ClientSecret: client.Secret, Token: token})
	return err
}

func (b browserSide) StillGood(ctx context.Context, user oauth.User, session string) (oauth.User, bool, error) {
	now, good, err := b.tokens.StillGood(ctx, tokens.Proven(user), session)
	return oauth.User(now), good, err
}

func (b browserSide) EndBrowser(ctx context.Context, session string, until time.Time) error {
	return b.tokens.EndBrowser(ctx, session, until)
}

func (b browserSide) Hint(ctx context.Context, poolID, token string) (clientID, sub string, err error) {
	return b.tokens.IDTokenHint(ctx, poolID, token)
}

func (b browserSide) UserInfo(ctx context.Context, poolID string, access wire.Sensitive) (string, []wire.AttributeType, error) {
	return b.tokens.UserInfo(ctx, poolID, access)
}

func tokensOf(r *wire.AuthenticationResultType, scope string) *oauth.Tokens {
	if r == nil {
		return nil
	}
	return &oauth.Tokens{
		Access: r.AccessToken, ID: r.IdToken, Refresh: r.RefreshToken, ExpiresIn: r.ExpiresIn,
		Scope: strings.TrimSpace(scope),
	}
}
