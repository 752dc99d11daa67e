package identitypool

import (
	"context"
	"log/slog"
	"maps"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// defaultTags is the mapping of UseDefaults (developer guide, "Using attributes for
// access control").
var defaultTags = map[string]string{"username": "sub", "client": "aud"}

// tagMapOperations answers the operations of principal tags.
type tagMapOperations struct {
	pools     *pools
	providers *providers
}

func (o *tagMapOperations) operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"SetPrincipalTagAttributeMap": wire.Handle(o.set),
		"GetPrincipalTagAttributeMap": wire.Handle(o.get),
	}
}

// provider finds a provider of a pool by name.
func (o *tagMapOperations) provider(set *PoolSettings, poolID, name string) (provider, error) {
	p, ok := o.providers.find(set, name)
	if !ok {
		return provider{}, invalid("The identity pool %s has no provider %q.", poolID, name)
	}
	return p, nil
}

// set says which claims of a provider's tokens become tags of the credentials.
func (o *tagMapOperations) set(ctx context.Context, in *wire.SetPrincipalTagAttributeMapRequest) (*wire.SetPrincipalTagAttributeMapResponse, error) {
	mapping := TagMap{UseDefaults: isTrue(in.UseDefaults), PrincipalTags: in.PrincipalTags}
	err := o.pools.change(ctx, in.IdentityPoolId, func(_ *storage.IdentityPool, set *PoolSettings) error {
		p, err := o.provider(set, in.IdentityPoolId, in.IdentityProviderName)
		if err != nil {
			return err
		}
		set.Tags = maps.Clone(set.Tags)
		if set.Tags == nil {
			set.Tags = map[string]TagMap{}
		}
		set.Tags[p.name] = mapping
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &wire.SetPrincipalTagAttributeMapResponse{}
	out.PrincipalTagAttributeMap = mapping.shape(in.IdentityPoolId, in.IdentityProviderName)
	return out, nil
}

// get returns that mapping.
func (o *tagMapOperations) get(ctx context.Context, in *wire.GetPrincipalTagAttributeMapRequest) (*wire.GetPrincipalTagAttributeMapResponse, error) {
	set, err := o.pools.settings(ctx, in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	p, err := o.provider(set, in.IdentityPoolId, in.IdentityProviderName)
	if err != nil {
		return nil, err
	}
	out := &wire.GetPrincipalTagAttributeMapResponse{}
	out.PrincipalTagAttributeMap = set.Tags[p.name].shape(in.IdentityPoolId, in.IdentityProviderName)
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

// principalTags maps claims to principal tags.
type principalTags struct{ log *slog.Logger }

// of returns the principal tags of a login: the mapped claims that the token has
// with a single value of at most 256 characters, as STS takes them. A claim that is left
// out is logged.
func (pt principalTags) of(ctx context.Context, v *visitor, p *proven) map[string]string {
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
		pt.log.WarnContext(ctx, "a claim cannot be a principal tag", "identity_pool", v.pool.ID, "provider", p.provider.name, "tag", tag, "claim", claim, "reason", reason)
	}
	return tags
}
