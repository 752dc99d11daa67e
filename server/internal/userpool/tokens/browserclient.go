package tokens

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// AppOf reads an app client.
func (s *Service) AppOf(ctx context.Context, clientID string) (a *pool.App, err error) {
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.pools.LoadApp(tx, clientID)
		return err
	})
	return a, err
}

// AppClient is an app client as the OAuth endpoints see it.
type AppClient struct {
	ID, PoolID, Name string
	Secret           wire.Sensitive // empty for a public client
	Revocable        bool           // its tokens can be revoked
	Settings         wire.UserPoolClientSettings
	// Identifiers are the names of its providers by their IdpIdentifiers.
	Identifiers map[string]string
}

// AppClient finds an app client. It fails with ResourceNotFoundException.
func (s *Service) AppClient(ctx context.Context, clientID string) (*AppClient, error) {
	if !pool.IsClientID(clientID) {
		return nil, wire.ClientNotFound(clientID)
	}
	var a *pool.App
	var offered, providers []string
	var identifiers map[string]string
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		if a, err = s.pools.LoadApp(tx, clientID); err != nil {
			return err
		}
		if offered, err = offeredScopes(tx, a); err != nil {
			return err
		}
		providers, identifiers, err = pool.OfferedProviders(tx, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	settings := a.Settings.UserPoolClientSettings
	settings.AllowedOAuthScopes, settings.SupportedIdentityProviders = offered, providers
	return &AppClient{
		ID: a.Client.ID, PoolID: a.Pool.ID, Name: a.Client.Name, Secret: wire.Sensitive(a.Secret),
		Revocable: a.Settings.Revocable(), Settings: settings, Identifiers: identifiers,
	}, nil
}

// offeredScopes are a client's scopes without those whose resource server has
// dropped them.
func offeredScopes(tx storage.Tx, a *pool.App) (list []string, err error) {
	for _, scope := range a.Settings.AllowedOAuthScopes {
		offered := slices.Contains(Scopes, scope)
		if !offered {
			if offered, err = HasCustomScope(tx, a.Pool.ID, scope); err != nil {
				return nil, err
			}
		}
		if offered {
			list = append(list, scope)
		}
	}
	return list, nil
}

// SecretHash is the SECRET_HASH of a user name for the service's own pages, which
// call operations on the client's behalf; empty for a public client.
func (s *Service) SecretHash(ctx context.Context, clientID, username string) (wire.Sensitive, error) {
	a, err := s.AppOf(ctx, clientID)
	if err != nil || a.Secret == "" {
		return "", err
	}
	return wire.Sensitive(srp.SecretHash(username, clientID, a.Secret)), nil
}

// UserInfo gives the user of an access token from the OAuth endpoints: the
// attributes that its scopes cover and its client may read, the sub first. It
// fails with NotAuthorizedException for a token that is not good, or lacks the
// scope openid.
func (s *Service) UserInfo(ctx context.Context, poolID string, access wire.Sensitive) (username string, attributes []wire.AttributeType, err error) {
	token, err := s.verify(ctx, string(access))
	if err != nil {
		return "", nil, err
	}
	if token.Issuer() != s.issuer(poolID) {
		return "", nil, wire.NewException(wire.NotAuthorizedException, wire.MessageInvalidAccessToken)
	}
	if !token.HasScope(scopeOpenID) {
		return "", nil, wire.NewException(wire.NotAuthorizedException, "Access token does not contain openid scope")
	}
	c := &Caller{}
	err = s.store.View(ctx, func(tx storage.Tx) error { return s.loadCaller(tx, c, token) })
	if err != nil {
		return "", nil, err
	}
	scope := strings.Join(token.Scopes(), " ")
	for _, attribute := range pool.AttributeList(c.User) {
		if attribute.Name == pool.IdentitiesAttribute {
			attribute.Value = pool.WithoutIssuers(c.User)
		}
		if attribute.Name == "sub" || c.App.MayRead(attribute.Name) && covers(scope, attribute.Name) {
			attributes = append(attributes, attribute)
		}
	}
	return c.User.Username, attributes, nil
}

// PoolOfDomain finds the pool that has a domain, a prefix or a whole name; empty
// for an unknown one.
func (s *Service) PoolOfDomain(ctx context.Context, name string) (poolID string, err error) {
	err = s.store.View(ctx, func(tx storage.Tx) error {
		d, err := tx.Domains.Domain(name)
		poolID = d.PoolID
		return err
	})
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	return poolID, err
}
