package server

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/oauth"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/admin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/signin"
)

// elsewhere is sign-in at other providers as package oauth asks for it: the user
// pools know the providers and the users, package federation how to ask them.
type elsewhere struct {
	signin *signin.Service
	admin  *admin.Service
	party  *federation.Party
}

func (e elsewhere) Route(ctx context.Context, poolID, provider string) (oauth.Route, error) {
	at, err := e.signin.IdentityProvider(ctx, poolID, provider)
	if err != nil {
		return oauth.Route{}, err
	}
	route := oauth.Route{Own: federation.Segment(at.Name), Shared: at.SharedRedirect, Binding: at.Binding()}
	if !at.SharedRedirect {
		return route, nil
	}
	sharing, err := e.admin.SharingProviders(ctx, poolID)
	if err != nil {
		return route, err
	}
	route.Ambiguous, err = e.party.Ambiguous(ctx, sharing)
	return route, err
}

func (e elsewhere) Begin(ctx context.Context, poolID, provider string, a federation.Attempt) (string, error) {
	at, err := e.signin.IdentityProvider(ctx, poolID, provider)
	if err != nil {
		return "", err
	}
	return e.party.Begin(ctx, at, a)
}

func (e elsewhere) Finish(ctx context.Context, client *oauth.Client, provider string, a federation.Attempt, got federation.Answer) (oauth.User, error) {
	at, err := e.signin.IdentityProvider(ctx, client.PoolID, provider)
	if err != nil {
		return oauth.User{}, err
	}
	if at.SharedRedirect {
		sharing, err := e.admin.SharingProviders(ctx, client.PoolID)
		if err != nil {
			return oauth.User{}, err
		}
		if err := e.party.CheckShared(ctx, at, got, sharing); err != nil {
			return oauth.User{}, err
		}
	}
	person, err := e.party.Finish(ctx, at, a, got)
	if err != nil {
		return oauth.User{}, err
	}
	proven, err := e.signin.SignInElsewhere(ctx, client.ID, provider, *person)
	if err != nil {
		return oauth.User{}, err
	}
	return oauth.User(*proven), nil
}

func (e elsewhere) Spend(ctx context.Context, id string, until time.Time) (string, bool, error) {
	return e.signin.SpendAttempt(ctx, id, until)
}

func (e elsewhere) Release(ctx context.Context, try string, until time.Time) error {
	return e.signin.ReleaseAttempt(ctx, try, until)
}
