package admin

import (
	"context"
	"maps"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// keyRedirect is the key of ProviderDetails that shows a provider's redirect URI.
// Cognito has no such key. An administrator moves a provider from the shared redirect
// URI to its own by setting it.
const keyRedirect = "redirect_uri"

// redirectURIs are a provider's own redirect URI and the shared one, at the service's
// public URL.
func (s *Service) redirectURIs(p *pool.IdentityProvider) (own, shared string) {
	own, shared = federation.RedirectPath(federation.Segment(p.Name)), federation.ReturnPath
	if s.poolURL != nil {
		own, shared = s.poolURL(p.PoolID)+own, s.poolURL(p.PoolID)+shared
	}
	return own, shared
}

// chooseRedirect takes the redirect URI out of details that a request gives. Without it
// a new provider gets its own, and any other keeps what it has.
func (s *Service) chooseRedirect(p *pool.IdentityProvider, details wire.Parameters) (wire.Parameters, error) {
	details = maps.Clone(details)
	asked := details[keyRedirect]
	delete(details, keyRedirect)
	created := len(p.Settings) == 0
	own, shared := s.redirectURIs(p)
	switch asked {
	case "":
		p.OwnRedirect = p.OwnRedirect || created
	case own, federation.RedirectPath(federation.Segment(p.Name)):
		p.OwnRedirect = true
	case shared, federation.ReturnPath:
		if created {
			return nil, pool.Invalid("redirect_uri of ProviderDetails must be %s: only identity providers from before can share a redirect URI.", own)
		}
		p.OwnRedirect = false
	default:
		return nil, pool.Invalid("redirect_uri of ProviderDetails must be %s, or %s for a provider from before.", own, shared)
	}
	return details, nil
}

// providerShape is an identity provider as answers show it.
func (s *Service) providerShape(p *pool.IdentityProvider) *wire.IdentityProviderType {
	details := maps.Clone(p.Opened)
	own, shared := s.redirectURIs(p)
	details[keyRedirect] = shared
	if p.OwnRedirect {
		details[keyRedirect] = own
	}
	return &wire.IdentityProviderType{
		UserPoolId: p.PoolID, ProviderName: p.Name, ProviderType: p.Type, ProviderDetails: details,
		AttributeMapping: p.Mapping, IdpIdentifiers: p.Identifiers,
		CreationDate: wire.NewTime(p.CreatedAt), LastModifiedDate: wire.NewTime(p.ModifiedAt),
	}
}

// SharingProviders returns the identity providers of a pool that share one redirect URI.
func (s *Service) SharingProviders(ctx context.Context, poolID string) (list []federation.Provider, err error) {
	err = s.store.View(ctx, func(tx storage.Tx) error {
		stored, err := tx.Providers.List(poolID, "", pool.MaxProviders)
		if err != nil {
			return err
		}
		for _, one := range stored {
			p, err := s.pools.OpenProvider(one)
			if err != nil {
				s.log.ErrorContext(ctx, "cannot read an identity provider; no one signs in there", "pool", poolID, "provider", one.Name, "error", err)
			} else if !p.OwnRedirect {
				list = append(list, p.Federated())
			}
		}
		return nil
	})
	return list, err
}
