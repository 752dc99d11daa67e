package userpool

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// checkProviderName refuses names that mean something else.
func checkProviderName(name, kind string) error {
	social := slices.Contains(socialProviders, kind)
	switch {
	case social && name != kind:
		return invalid("A provider of type %s must have the name %s.", kind, kind)
	case !social && (strings.EqualFold(name, ownProvider) || slices.ContainsFunc(append(socialProviders, wire.ProviderSAML), func(other string) bool { return strings.EqualFold(name, other) })):
		return invalid("The provider name %s is reserved.", name)
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
	p := &identityProvider{
		IdentityProvider: storage.IdentityProvider{PoolID: in.UserPoolId, Name: in.ProviderName, CreatedAt: now, ModifiedAt: now},
		providerSettings: providerSettings{Type: in.ProviderType},
	}
	mapping := in.AttributeMapping
	if mapping == nil {
		mapping = map[string]string{}
	}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if err := s.keepLegacyIssuers(tx, in.UserPoolId); err != nil {
			return err
		}
		_, set, err := s.loadPool(tx, in.UserPoolId)
		if err != nil {
			return err
		}
		list, err := tx.Providers.List(in.UserPoolId, "", maxProviders)
		if err != nil {
			return err
		}
		if len(list) >= maxProviders {
			return wire.Exceptionf(wire.LimitExceededException, "A user pool has at most %d identity providers.", maxProviders)
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
	var p *identityProvider
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if err := s.keepLegacyIssuers(tx, in.UserPoolId); err != nil {
			return err
		}
		found, set, err := s.loadProvider(tx, in.UserPoolId, in.ProviderName)
		if err != nil {
			return err
		}
		p = found
		before := p.issuers()
		if err := s.configureProvider(tx, set, p, in.ProviderDetails, in.AttributeMapping, in.IdpIdentifiers); err != nil {
			return err
		}
		p.ModifiedAt = s.after(p.ModifiedAt)
		// Whose sign-ins the provider vouched for by an issuer that it has no more are signed out.
		if slices.ContainsFunc(before, func(issuer string) bool { return !slices.Contains(p.issuers(), issuer) }) {
			if err := s.end(tx, storage.Ended{PoolID: in.UserPoolId, Provider: p.Name}); err != nil {
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
	p, err := s.viewProvider(ctx, in.UserPoolId, in.ProviderName)
	if err != nil {
		return nil, err
	}
	return &wire.DescribeIdentityProviderResponse{IdentityProvider: s.providerShape(p)}, nil
}

func (s *Service) viewProvider(ctx context.Context, poolID, name string) (p *identityProvider, err error) {
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		p, _, err = s.loadProvider(tx, poolID, name)
		return err
	})
	return p, err
}

// GetIdentityProviderByIdentifier shows the provider that has an identifier.
func (s *Service) GetIdentityProviderByIdentifier(ctx context.Context, in *wire.GetIdentityProviderByIdentifierRequest) (*wire.GetIdentityProviderByIdentifierResponse, error) {
	var p *identityProvider
	err := s.store.View(ctx, func(tx storage.Tx) error {
		if _, _, err := s.loadPool(tx, in.UserPoolId); err != nil {
			return err
		}
		list, err := tx.Providers.List(in.UserPoolId, "", maxProviders)
		if err != nil {
			return err
		}
		for _, stored := range list {
			ids, err := identifiersOf(stored)
			if err != nil {
				return err
			}
			if slices.Contains(ids, in.IdpIdentifier) {
				p, err = s.openProvider(stored)
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
		if err := s.keepLegacyIssuers(tx, in.UserPoolId); err != nil {
			return err
		}
		if _, _, err := s.loadProvider(tx, in.UserPoolId, in.ProviderName); err != nil {
			return err
		}
		if err := s.end(tx, storage.Ended{PoolID: in.UserPoolId, Provider: in.ProviderName}); err != nil {
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
		if _, _, err = s.loadPool(tx, in.UserPoolId); err == nil {
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
		p, err := s.openProvider(stored)
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
