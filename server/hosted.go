package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/hosted"
	"github.com/latchkey-auth/latchkey/server/internal/oauth"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/accounts"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/admin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/signin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// routeHosted mounts the sign-in pages where the OAuth endpoints are.
func (s *Server) routeHosted(mux *http.ServeMux) {
	for _, base := range []string{"", "/{pool}"} {
		for _, path := range s.hosted.Paths() {
			s.page(mux, base, path, s.serveHosted)
		}
	}
}

func (s *Server) serveHosted(w http.ResponseWriter, r *http.Request) {
	place, _ := s.oauth.Place(r)
	s.hosted.ServeHTTP(w, r.WithContext(hosted.At(r.Context(), hosted.Place{Pool: place.PoolID, Base: place.Base})))
}

// showOAuthError shows a person what the OAuth endpoints cannot tell the client.
func (s *Server) showOAuthError(w http.ResponseWriter, r *http.Request, e *oauth.RequestError) {
	place, _ := s.oauth.Place(r)
	at := hosted.At(r.Context(), hosted.Place{Pool: place.PoolID, Base: place.Base})
	s.hosted.ShowError(w, r.WithContext(at), e.Status(), e.Code)
}

// showSignedOut shows a person who signed out of a client that there is no more to do.
func (s *Server) showSignedOut(w http.ResponseWriter, r *http.Request, clientID string) {
	place, _ := s.oauth.Place(r)
	at := hosted.At(r.Context(), hosted.Place{Pool: place.PoolID, Base: place.Base})
	s.hosted.ShowSignedOut(w, r.WithContext(at), clientID)
}

// brands are the looks that SetUICustomization set, and otherwise those of the
// configuration.
type brands struct {
	admin     *admin.Service
	otherwise plug.Brands
}

func (b brands) Brand(ctx context.Context, pool, clientID string) (plug.Brand, error) {
	look, err := b.admin.Look(ctx, pool, clientID)
	switch {
	case err != nil:
		return plug.Brand{}, err
	case look.Stylesheet != "" || len(look.Logo) > 0:
		return plug.Brand{
			Stylesheet: look.Stylesheet, LightOnly: !strings.Contains(look.Stylesheet, "light-dark("),
			Logo: look.Logo, LogoType: look.LogoType,
		}, nil
	case b.otherwise == nil:
		return plug.Brand{}, nil
	}
	return b.otherwise.Brand(ctx, pool, clientID)
}

// flow is package oauth as the pages ask for it.
type flow struct{ s *Server }

func (f flow) Read(ctx context.Context, pool string, query url.Values) (*hosted.Request, error) {
	request, err := f.s.oauth.ReadRequest(ctx, pool, query)
	if e, refused := errors.AsType[*oauth.RequestError](err); refused {
		if trouble := e.Unwrap(); trouble != nil {
			return nil, trouble
		}
		return nil, &hosted.Refusal{Code: e.Code, Location: e.Redirect}
	}
	if err != nil {
		return nil, err
	}
	described, err := f.s.pools.Admin.DescribeUserPool(ctx, &wire.DescribeUserPoolRequest{UserPoolId: pool})
	if err != nil {
		return nil, err
	}
	client, err := f.s.pools.Tokens.AppClient(ctx, request.Client.ID)
	if err != nil {
		return nil, err
	}
	return shownRequest(request, described.UserPool, client), nil
}

func (f flow) Finish(w http.ResponseWriter, r *http.Request, request *hosted.Request, who hosted.Proven) {
	f.s.oauth.Finish(w, r, request.Flow.(*oauth.Request), who.(oauth.User))
}

func (f flow) SignOut(w http.ResponseWriter, r *http.Request, pool string) error {
	return f.s.oauth.EndSession(w, r, pool)
}

// pageSignIn is the user pools' judgment of passwords.
type pageSignIn struct{ signin *signin.Service }

func (d pageSignIn) Password(ctx context.Context, request *hosted.Request, username string, password wire.Sensitive) (hosted.Step, error) {
	return doorStep(d.signin.JudgePassword(ctx, request.ClientID, username, password))
}

func (d pageSignIn) NewPassword(ctx context.Context, request *hosted.Request, a hosted.NewPassword) (hosted.Step, error) {
	return doorStep(d.signin.NewPassword(ctx, request.ClientID, a.Session, a.Username, a.Password, a.Attributes))
}

func doorStep(step *signin.Step, err error) (hosted.Step, error) {
	switch {
	case err != nil:
		return hosted.Step{}, err
	case step.Proven != nil:
		return hosted.Step{Who: oauth.User(*step.Proven)}, nil
	}
	n := step.NewPassword
	return hosted.Step{Session: n.Session, Username: n.Username, Missing: n.Required}, nil
}

// pageAccounts are the user pools' account flows on behalf of a client, whose secret
// the service knows.
type pageAccounts struct {
	accounts *accounts.Service
	tokens   *tokens.Service
}

func (a pageAccounts) hash(ctx context.Context, clientID, username string, into *string) error {
	hash, err := a.tokens.SecretHash(ctx, clientID, username)
	*into = string(hash)
	return err
}

func (a pageAccounts) SignUp(ctx context.Context, in *wire.SignUpRequest) (*wire.SignUpResponse, error) {
	if err := a.hash(ctx, in.ClientId, in.Username, &in.SecretHash); err != nil {
		return nil, err
	}
	return a.accounts.SignUp(ctx, in)
}

func (a pageAccounts) ConfirmSignUp(ctx context.Context, in *wire.ConfirmSignUpRequest) (*wire.ConfirmSignUpResponse, error) {
	if err := a.hash(ctx, in.ClientId, in.Username, &in.SecretHash); err != nil {
		return nil, err
	}
	return a.accounts.ConfirmSignUp(ctx, in)
}

func (a pageAccounts) ResendConfirmationCode(ctx context.Context, in *wire.ResendConfirmationCodeRequest) (*wire.ResendConfirmationCodeResponse, error) {
	if err := a.hash(ctx, in.ClientId, in.Username, &in.SecretHash); err != nil {
		return nil, err
	}
	return a.accounts.ResendConfirmationCode(ctx, in)
}

func (a pageAccounts) ForgotPassword(ctx context.Context, in *wire.ForgotPasswordRequest) (*wire.ForgotPasswordResponse, error) {
	if err := a.hash(ctx, in.ClientId, in.Username, &in.SecretHash); err != nil {
		return nil, err
	}
	return a.accounts.ForgotPassword(ctx, in)
}

func (a pageAccounts) ConfirmForgotPassword(ctx context.Context, in *wire.ConfirmForgotPasswordRequest) (*wire.ConfirmForgotPasswordResponse, error) {
	if err := a.hash(ctx, in.ClientId, in.Username, &in.SecretHash); err != nil {
		return nil, err
	}
	return a.accounts.ConfirmForgotPassword(ctx, in)
}
