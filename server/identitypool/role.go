package identitypool

import (
	"context"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// SetIdentityPoolRoles replaces a pool's roles and role mappings.
func (s *Service) SetIdentityPoolRoles(ctx context.Context, in *wire.SetIdentityPoolRolesRequest) (*wire.SetIdentityPoolRolesResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		return s.changePool(tx, in.IdentityPoolId, func(_ *storage.IdentityPool, set *PoolSettings) error {
			set.Roles, set.RoleMappings = in.Roles, in.RoleMappings
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return &wire.SetIdentityPoolRolesResponse{}, nil
}

// GetIdentityPoolRoles shows them.
func (s *Service) GetIdentityPoolRoles(ctx context.Context, in *wire.GetIdentityPoolRolesRequest) (*wire.GetIdentityPoolRolesResponse, error) {
	var out wire.GetIdentityPoolRolesResponse
	err := s.store.View(ctx, func(tx storage.Tx) error {
		pool, set, err := s.loadPool(tx, in.IdentityPoolId)
		if err == nil {
			out.IdentityPoolId, out.Roles, out.RoleMappings = pool.ID, set.Roles, set.RoleMappings
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// role chooses the role of a visitor, and the login that it is chosen for.
func (s *Service) role(v *visitor, custom string) (role string, lead *proven, err error) {
	kind := wire.RoleUnauthenticated
	if len(v.logins) > 0 {
		kind, lead = wire.RoleAuthenticated, &v.logins[0]
	}
	role = v.set.Roles[kind]
	switch {
	case role == "":
		return "", nil, wire.NewException(wire.InvalidIdentityPoolConfigurationException, wire.MessageIdentityPoolRoles)
	case custom != "" && custom != role:
		return "", nil, refused(wire.MessageRoleDenied)
	}
	return role, lead, nil
}
