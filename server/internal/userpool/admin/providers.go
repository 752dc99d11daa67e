package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// checkProviderName refuses names that mean something else.
func checkProviderName(name, kind string) error {
	social := slices.Contains(pool.SocialProviders, kind)
	switch {
	case social && name != kind:
		return pool.Invalid("A provider of type %s must have the name %s.", kind, kind)
	case !social && (strings.EqualFold(name, pool.OwnProvider) || slices.ContainsFunc(append(pool.SocialProviders, wire.ProviderSAML), func(other string) bool { return strings.EqualFold(name, other) })):
		return pool.Invalid("The provider name %s is reserved.", name)
	}
	return nil
}

// CreateIdentityProvider makes another provider known, at which the pool's users may
// sign in.
func (s *Service) CreateIdentityProvider(ctx context.Context, in *wire.CreateIdentityProviderRequest) (*wire.CreateIdentityProviderResponse, error) {
	if err := checkProviderName(in.ProviderName, in.ProviderType); err != nil {
		return nil, err
	}
	now := s.now()
	p := &pool.IdentityProvider{
		IdentityProvider: storage.IdentityProvider{PoolID: in.UserPoolId, Name: in.ProviderName, CreatedAt: now, ModifiedAt: now},
		ProviderSettings: pool.ProviderSettings{Type: in.ProviderType},
	}
	mapping := in.AttributeMapping
	if mapping == nil {
		mapping = map[string]string{}
	}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if err := s.pools.KeepLegacyIssuers(tx, in.UserPoolId); err != nil {
			return err
		}
		_, set, err := s.pools.LoadPool(tx, in.UserPoolId)
		if err != nil {
			return err
		}
		list, err := tx.Providers.List(in.UserPoolId, "", pool.MaxProviders)
		if err != nil {
			return err
		}
		if len(list) >= pool.MaxProviders {
			return wire.Exceptionf(wire.LimitExceededException, "A user pool has at most %d identity providers.", pool.MaxProviders)
		}
		if err := s.configureProvider(tx, set, p, in.ProviderDetails, mapping, in.IdpIdentifiers); err != nil {
			return err
		}
		err = tx.Providers.Insert(p.IdentityProvider)
		if errors.Is(err, storage.ErrExists) {
			return wire.Exceptionf(wire.DuplicateProviderException, "A provider with the name %s already exists in the user pool %s.", in.ProviderName, in.UserPoolId)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &wire.CreateIdentityProviderResponse{IdentityProvider: s.providerShape(p)}, nil
}

// UpdateIdentityProvider replaces the members that are given, whole.
func (s *Service) UpdateIdentityProvider(ctx context.Context, in *wire.UpdateIdentityProviderRequest) (*wire.UpdateIdentityProviderResponse, error) {
	var p *pool.IdentityProvider
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if err := s.pools.KeepLegacyIssuers(tx, in.UserPoolId); err != nil {
			return err
		}
		found, set, err := s.pools.LoadProvider(tx, in.UserPoolId, in.ProviderName)
		if err != nil {
			return err
		}
		p = found
		before := p.Issuers()
		if err := s.configureProvider(tx, set, p, in.ProviderDetails, in.AttributeMapping, in.IdpIdentifiers); err != nil {
			return err
		}
		p.ModifiedAt = s.pools.After(p.ModifiedAt)
		// Whose sign-ins the provider vouched for by an issuer that it has no more are signed out.
		if slices.ContainsFunc(before, func(issuer string) bool { return !slices.Contains(p.Issuers(), issuer) }) {
			if err := s.sessions.End(tx, storage.Ended{PoolID: in.UserPoolId, Provider: p.Name}); err != nil {
				return err
			}
		}
		return tx.Providers.Update(p.IdentityProvider)
	})
	if err != nil {
		return nil, err
	}
	return &wire.UpdateIdentityProviderResponse{IdentityProvider: s.providerShape(p)}, nil
}

// DescribeIdentityProvider shows a provider. As at Cognito, its secrets are shown.
func (s *Service) DescribeIdentityProvider(ctx context.Context, in *wire.DescribeIdentityProviderRequest) (*wire.DescribeIdentityProviderResponse, error) {
	p, err := s.pools.ViewProvider(ctx, in.UserPoolId, in.ProviderName)
	if err != nil {
		return nil, err
	}
	return &wire.DescribeIdentityProviderResponse{IdentityProvider: s.providerShape(p)}, nil
}

// GetIdentityProviderByIdentifier shows the provider that has an identifier.
func (s *Service) GetIdentityProviderByIdentifier(ctx context.Context, in *wire.GetIdentityProviderByIdentifierRequest) (*wire.GetIdentityProviderByIdentifierResponse, error) {
	var p *pool.IdentityProvider
	err := s.store.View(ctx, func(tx storage.Tx) error {
		if _, _, err := s.pools.LoadPool(tx, in.UserPoolId); err != nil {
			return err
		}
		list, err := tx.Providers.List(in.UserPoolId, "", pool.MaxProviders)
		if err != nil {
			return err
		}
		for _, stored := range list {
			ids, err := pool.IdentifiersOf(stored)
			if err != nil {
				return err
			}
			if slices.Contains(ids, in.IdpIdentifier) {
				p, err = s.pools.OpenProvider(stored)
				return err
			}
		}
		return wire.Exceptionf(wire.ResourceNotFoundException, "No identity provider has the identifier %s.", in.IdpIdentifier)
	})
	if err != nil {
		return nil, err
	}
	return &wire.GetIdentityProviderByIdentifierResponse{IdentityProvider: s.providerShape(p)}, nil
}

// DeleteIdentityProvider removes a provider and ends the sessions that began there. Its
// users stay; they cannot sign in again.
func (s *Service) DeleteIdentityProvider(ctx context.Context, in *wire.DeleteIdentityProviderRequest) (*wire.DeleteIdentityProviderResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if err := s.pools.KeepLegacyIssuers(tx, in.UserPoolId); err != nil {
			return err
		}
		if _, _, err := s.pools.LoadProvider(tx, in.UserPoolId, in.ProviderName); err != nil {
			return err
		}
		if err := s.sessions.End(tx, storage.Ended{PoolID: in.UserPoolId, Provider: in.ProviderName}); err != nil {
			return err
		}
		return tx.Providers.Delete(in.UserPoolId, in.ProviderName)
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteIdentityProviderResponse{}, nil
}

// ListIdentityProviders lists a pool's providers by name.
func (s *Service) ListIdentityProviders(ctx context.Context, in *wire.ListIdentityProvidersRequest) (*wire.ListIdentityProvidersResponse, error) {
	page, err := s.lists.Page(in.NextToken, in.MaxResults, "ListIdentityProviders", in.UserPoolId)
	if err != nil {
		return nil, err
	}
	var list []storage.IdentityProvider
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		if _, _, err = s.pools.LoadPool(tx, in.UserPoolId); err == nil {
			list, err = tx.Providers.List(in.UserPoolId, page.After, page.Want())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	list, next := paging.Turn(page, list, func(p storage.IdentityProvider) string { return p.Name })
	out := &wire.ListIdentityProvidersResponse{NextToken: next}
	for _, stored := range list {
		p, err := s.pools.OpenProvider(stored)
		if err != nil {
			return nil, err
		}
		shape := s.providerShape(p)
		out.Providers = append(out.Providers, wire.ProviderDescription{
			ProviderName: shape.ProviderName, ProviderType: shape.ProviderType,
			CreationDate: shape.CreationDate, LastModifiedDate: shape.LastModifiedDate,
		})
	}
	return out, nil
}

// sealProvider writes details and settings back into the entity.
func (s *Service) sealProvider(p *pool.IdentityProvider) error {
	plain, err := settings.Encode(p.Opened)
	if err != nil {
		return err
	}
	p.Details = s.box.Seal(pool.PurposeProvider, plain, pool.ProviderContext(p.IdentityProvider))
	p.Settings, err = settings.Encode(p.ProviderSettings)
	return err
}

// configureProvider takes over what a request gives; nil stays as it is.
func (s *Service) configureProvider(tx storage.Tx, set *pool.Settings, p *pool.IdentityProvider, details wire.Parameters, mapping map[string]string, identifiers []string) error {
	if details != nil {
		details, err := s.chooseRedirect(p, details)
		if err != nil {
			return err
		}
		full, err := federation.Complete(p.Type, details)
		if err != nil {
			return pool.Invalid("%s.", err)
		}
		for name, address := range federation.URLs(full) {
			if s.admits == nil {
				break
			}
			if err := s.admits(address); err != nil {
				return pool.Invalid("%s of ProviderDetails: %s.", name, strings.TrimPrefix(err.Error(), "openid: "))
			}
		}
		p.Opened = full
	}
	if mapping != nil {
		if err := checkMapping(set, p.Type, mapping, p.Mapping); err != nil {
			return err
		}
		p.Mapping = mapping
	}
	if identifiers != nil {
		if err := checkIdentifiers(tx, p, identifiers); err != nil {
			return err
		}
		p.Identifiers = identifiers
	}
	return s.sealProvider(p)
}

// checkMapping checks an AttributeMapping: user attribute to claim. The user name
// comes from the subject and from nothing else: any other claim may pass from one
// person to another. A provider would write a mapped attribute at each sign-in, so it
// must be mutable and not for administrators only. An entry that the provider has from
// before this rule may be given again.
func checkMapping(p *pool.Settings, kind string, mapping, before map[string]string) error {
	subject := federation.SubjectClaim(kind)
	for _, name := range pool.SortedKeys(mapping) {
		switch claim := mapping[name]; {
		case claim == "" || len(claim) > pool.MaxAttributeValue:
			return pool.Invalid("The attribute %s is mapped to a claim without a name, or with one that is too long.", name)
		case name == pool.AttributeUsername && claim != subject:
			return pool.Invalid("The attribute username can only be mapped to %s.", subject)
		case name == pool.AttributeUsername:
		case before[name] == claim:
		case p.SchemaOf(name) == nil || pool.ServiceKept(name) || p.Immutable(name) || p.DeveloperOnly(name):
			return pool.Invalid("User pool does not have mutable attribute %s to map.", name)
		}
	}
	if mapping[pool.AttributeUsername] == "" {
		mapping[pool.AttributeUsername] = subject
	}
	return nil
}

// checkIdentifiers refuses identifiers that are taken in the pool.
func checkIdentifiers(tx storage.Tx, p *pool.IdentityProvider, identifiers []string) error {
	seen := map[string]bool{}
	for _, id := range identifiers {
		if seen[id] {
			return pool.Invalid("The identifier %s is given twice.", id)
		}
		seen[id] = true
	}
	others, err := tx.Providers.List(p.PoolID, "", pool.MaxProviders)
	if err != nil {
		return err
	}
	for _, other := range others {
		set, err := pool.IdentifiersOf(other)
		if err != nil {
			return err
		}
		if taken := slices.IndexFunc(set, func(id string) bool { return seen[id] }); taken >= 0 && other.Name != p.Name {
			return wire.Exceptionf(wire.DuplicateProviderException, "The identifier %s is the provider %s's already.", set[taken], other.Name)
		}
	}
	return nil
}
