package pool

import (
	"context"
	"errors"
	"fmt"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// MaxProviders is how many identity providers a pool may have (Cognito quotas).
const MaxProviders = 300

// AttributeUsername is the key of an AttributeMapping that names the subject.
const AttributeUsername = "username"

// ProviderSettings are an identity provider's settings as they are stored.
type ProviderSettings struct {
	Type        string
	Details     []byte            // sealed: among them are secrets
	Mapping     map[string]string `json:",omitzero"`
	Identifiers []string          `json:",omitzero"`
	// OwnRedirect says that the redirect URI is the provider's own. Providers from
	// before it was share one in their pool.
	OwnRedirect bool `json:",omitzero"`
}

// SocialProviders are the types of which a pool has one, by the type's name.
var SocialProviders = []string{wire.ProviderFacebook, wire.ProviderGoogle, wire.ProviderAmazon, wire.ProviderApple}

// IdentityProvider is an identity provider as the operations work on it.
type IdentityProvider struct {
	storage.IdentityProvider
	ProviderSettings
	Opened wire.Parameters
}

// ProviderContext binds sealed details to their provider.
func ProviderContext(p storage.IdentityProvider) []byte { return []byte(p.PoolID + "/" + p.Name) }

// LoadProvider finds an identity provider in a pool that exists.
func (s *Pools) LoadProvider(tx storage.Tx, poolID, name string) (*IdentityProvider, *Settings, error) {
	_, set, err := s.LoadPool(tx, poolID)
	if err != nil {
		return nil, nil, err
	}
	stored, err := tx.Providers.IdentityProvider(poolID, name)
	if err != nil {
		return nil, nil, NotFound(err, wire.Exceptionf(wire.ResourceNotFoundException, "Identity provider %s does not exist.", name))
	}
	p, err := s.OpenProvider(stored)
	return p, set, err
}

// OpenProvider decodes the settings of a stored provider and opens its details.
func (s *Pools) OpenProvider(stored storage.IdentityProvider) (*IdentityProvider, error) {
	p := &IdentityProvider{IdentityProvider: stored}
	if err := decodeProvider(stored, &p.ProviderSettings); err != nil {
		return nil, err
	}
	plain, err := s.box.Open(PurposeProvider, p.Details, ProviderContext(stored))
	if err != nil {
		return nil, fmt.Errorf("details of identity provider %s: %w", stored.Name, err)
	}
	if err := settings.Decode("the details of identity provider "+stored.Name, plain, &p.Opened); err != nil {
		return nil, err
	}
	return p, nil
}

// IdentifiersOf returns a provider's identifiers (IdpIdentifiers).
func IdentifiersOf(p storage.IdentityProvider) ([]string, error) {
	var set ProviderSettings
	err := decodeProvider(p, &set)
	return set.Identifiers, err
}

func decodeProvider(stored storage.IdentityProvider, into *ProviderSettings) error {
	return settings.Decode("identity provider "+stored.Name, stored.Settings, into)
}

// OfferedProviders are a client's identity providers without those that were
// deleted, and their identifiers.
func OfferedProviders(tx storage.Tx, a *App) (names []string, identifiers map[string]string, err error) {
	for _, name := range a.Settings.SupportedIdentityProviders {
		if name == OwnProvider {
			names = append(names, name)
			continue
		}
		stored, err := tx.Providers.IdentityProvider(a.Pool.ID, name)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		ids, err := IdentifiersOf(stored)
		if err != nil {
			return nil, nil, err
		}
		names = append(names, name)
		for _, id := range ids {
			if identifiers == nil {
				identifiers = map[string]string{}
			}
			identifiers[id] = name
		}
	}
	return names, identifiers, nil
}

// ViewProvider is LoadProvider in a separate view.
func (s *Pools) ViewProvider(ctx context.Context, poolID, name string) (p *IdentityProvider, err error) {
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		p, _, err = s.LoadProvider(tx, poolID, name)
		return err
	})
	return p, err
}

// Federated is an identity provider as package federation asks it.
func (p *IdentityProvider) Federated() federation.Provider {
	return federation.Provider{Name: p.Name, Kind: p.Type, Details: p.Opened, Mapping: p.Mapping, SharedRedirect: !p.OwnRedirect}
}

// OwnProvider is the pool itself among the providers of a client.
const OwnProvider = "COGNITO"
