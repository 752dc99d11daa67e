package admin

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// maxCustomAttributes is how many custom attributes a pool may have (Cognito quotas).
const maxCustomAttributes = 50

// changePool writes a pool with settings that change has edited. change gets a copy; the
// maps and lists in it are to be replaced, not written to.
func (s *Service) changePool(ctx context.Context, id string, change func(*pool.Settings) error) error {
	return s.store.Update(ctx, func(tx storage.Tx) error {
		row, set, err := s.pools.LoadPool(tx, id)
		if err != nil {
			return err
		}
		changed := *set
		if err := change(&changed); err != nil {
			return err
		}
		if row.Settings, err = settings.Encode(&changed); err != nil {
			return err
		}
		row.ModifiedAt = s.pools.After(row.ModifiedAt)
		return tx.Pools.Update(row)
	})
}

// AddCustomAttributes adds custom attributes to a pool's schema, all or none. One that is
// there already is refused.
func (s *Service) AddCustomAttributes(ctx context.Context, in *wire.AddCustomAttributesRequest) (*wire.AddCustomAttributesResponse, error) {
	err := s.changePool(ctx, in.UserPoolId, func(set *pool.Settings) error {
		schema := slices.Clone(set.SchemaAttributes)
		for _, asked := range in.CustomAttributes {
			if asked.Name == "" {
				return pool.Invalid("Invalid schema: an attribute has no name.")
			}
			if err := pool.CheckConstraints(asked); err != nil {
				return err
			}
			a, err := pool.CustomAttribute(asked)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(schema, func(other wire.SchemaAttributeType) bool { return other.Name == a.Name }) {
				return pool.Invalid("Existing attribute already has name %s.", a.Name)
			}
			schema = append(schema, a)
		}
		if n := countCustom(schema); n > maxCustomAttributes {
			return pool.Invalid("A user pool can have %d custom attributes; these would be %d.", maxCustomAttributes, n)
		}
		set.SchemaAttributes = schema
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.AddCustomAttributesResponse{}, nil
}

func countCustom(schema []wire.SchemaAttributeType) int {
	n := 0
	for _, a := range schema {
		if strings.HasPrefix(a.Name, pool.CustomPrefix) || strings.HasPrefix(a.Name, pool.DeveloperPrefix) {
			n++
		}
	}
	return n
}

// GetUserPoolMfaConfig shows whether a pool asks for a second factor. None can be set up
// yet, so the factors are absent.
func (s *Service) GetUserPoolMfaConfig(ctx context.Context, in *wire.GetUserPoolMfaConfigRequest) (*wire.GetUserPoolMfaConfigResponse, error) {
	var out wire.GetUserPoolMfaConfigResponse
	err := s.store.View(ctx, func(tx storage.Tx) error {
		_, set, err := s.pools.LoadPool(tx, in.UserPoolId)
		if err == nil {
			out.MfaConfiguration = cmp.Or(set.MfaConfiguration, wire.MFAOff)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}
