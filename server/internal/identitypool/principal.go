package identitypool

import (
	"context"
	"maps"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// defaultTags is the mapping of UseDefaults (developer guide, "Using attributes for
// access control").
var defaultTags = map[string]string{"username": "sub", "client": "aud"}

// SetPrincipalTagAttributeMap says which claims of a provider's tokens become
// tags of the credentials.
func (s *Service) SetPrincipalTagAttributeMap(ctx context.Context, in *wire.SetPrincipalTagAttributeMapRequest) (*wire.SetPrincipalTagAttributeMapResponse, error) {
	mapping := TagMap{UseDefaults: isTrue(in.UseDefaults), PrincipalTags: in.PrincipalTags}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		return s.changePool(tx, in.IdentityPoolId, func(_ *storage.IdentityPool, set *PoolSettings) error {
			p, ok := s.provider(set, in.IdentityProviderName)
			if !ok {
				return invalid("The identity pool %s has no provider %q.", in.IdentityPoolId, in.IdentityProviderName)
			}
			set.Tags = maps.Clone(set.Tags)
			if set.Tags == nil {
				set.Tags = map[string]TagMap{}
			}
			set.Tags[p.name] = mapping
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	out := &wire.SetPrincipalTagAttributeMapResponse{}
	out.PrincipalTagAttributeMap = mapping.shape(in.IdentityPoolId, in.IdentityProviderName)
	return out, nil
}

// GetPrincipalTagAttributeMap shows that mapping.
func (s *Service) GetPrincipalTagAttributeMap(ctx context.Context, in *wire.GetPrincipalTagAttributeMapRequest) (*wire.GetPrincipalTagAttributeMapResponse, error) {
	out := &wire.GetPrincipalTagAttributeMapResponse{}
	err := s.store.View(ctx, func(tx storage.Tx) error {
		_, set, err := s.loadPool(tx, in.IdentityPoolId)
		if err != nil {
			return err
		}
		p, ok := s.provider(set, in.IdentityProviderName)
		if !ok {
			return invalid("The identity pool %s has no provider %q.", in.IdentityPoolId, in.IdentityProviderName)
		}
		out.PrincipalTagAttributeMap = set.Tags[p.name].shape(in.IdentityPoolId, in.IdentityProviderName)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (m TagMap) shape(poolID, name string) wire.PrincipalTagAttributeMap {
	out := wire.PrincipalTagAttributeMap{
		IdentityPoolId: poolID, IdentityProviderName: name, UseDefaults: &m.UseDefaults, PrincipalTags: m.PrincipalTags,
	}
	if m.UseDefaults {
		out.PrincipalTags = defaultTags
	}
	return out
}

// maxTagValue is the longest value of a principal tag in characters (STS API reference,
// Tag).
const maxTagValue = 256

// principalTags are the principal tags of a login: the mapped claims that the token has
// with a single value of at most 256 characters, as STS takes them. A claim that is left
// out is logged.
func (s *Service) principalTags(ctx context.Context, v *visitor, p *proven) map[string]string {
	if p.tags != nil {
		return p.tags
	}
	mapping := v.set.Tags[p.provider.name]
	names := mapping.PrincipalTags
	if mapping.UseDefaults {
		names = defaultTags
	}
	tags := map[string]string{}
	for tag, claim := range names {
		values := p.values(claim)
		reason := ""
		switch {
		case len(values) == 0:
			continue
		case len(values) > 1:
			reason = "it has several values"
		case utf8.RuneCountInString(values[0]) > maxTagValue:
			reason = "it is longer than 256 characters"
		default:
			tags[tag] = values[0]
			continue
		}
		s.log.WarnContext(ctx, "a claim cannot be a principal tag", "identity_pool", v.pool.ID, "provider", p.provider.name, "tag", tag, "claim", claim, "reason", reason)
	}
	return tags
}
