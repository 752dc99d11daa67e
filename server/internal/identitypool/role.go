package identitypool

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// maxRules is how many rules a mapping may have (Cognito quotas; the model's own
// bound is higher).
const maxRules = 25

// roleOperations answers the operations of pools' roles.
type roleOperations struct{ pools *pools }

func (o *roleOperations) operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"SetIdentityPoolRoles": wire.Handle(o.set),
		"GetIdentityPoolRoles": wire.Handle(o.get),
	}
}

// set replaces a pool's roles and role mappings.
func (o *roleOperations) set(ctx context.Context, in *wire.SetIdentityPoolRolesRequest) (*wire.SetIdentityPoolRolesResponse, error) {
	for _, name := range slices.Sorted(maps.Keys(in.RoleMappings)) {
		if err := checkMapping(name, in.RoleMappings[name]); err != nil {
			return nil, err
		}
	}
	err := o.pools.change(ctx, in.IdentityPoolId, func(_ *storage.IdentityPool, set *PoolSettings) error {
		set.Roles, set.RoleMappings = in.Roles, in.RoleMappings
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.SetIdentityPoolRolesResponse{}, nil
}

// checkMapping checks the members of a mapping against each other.
func checkMapping(name string, m wire.RoleMapping) error {
	rules := 0
	if m.RulesConfiguration != nil {
		rules = len(m.RulesConfiguration.Rules)
	}
	switch {
	case m.AmbiguousRoleResolution == "":
		return invalid("RoleMappings, %s: AmbiguousRoleResolution is required with the type %s.", name, m.Type)
	case m.Type == wire.RoleMappingRules && rules == 0:
		return invalid("RoleMappings, %s: RulesConfiguration is required with the type Rules.", name)
	case rules > maxRules:
		return invalid("RoleMappings, %s: %d rules; at most %d are possible.", name, rules, maxRules)
	}
	return nil
}

// get returns them.
func (o *roleOperations) get(ctx context.Context, in *wire.GetIdentityPoolRolesRequest) (*wire.GetIdentityPoolRolesResponse, error) {
	set, err := o.pools.settings(ctx, in.IdentityPoolId)
	if err != nil {
		return nil, err
	}
	return &wire.GetIdentityPoolRolesResponse{IdentityPoolRoles: wire.IdentityPoolRoles{
		IdentityPoolId: in.IdentityPoolId, Roles: set.Roles, RoleMappings: set.RoleMappings,
	}}, nil
}

// roles chooses the roles of visitors.
type roles struct{ providers *providers }

// choose returns the role of a visitor, and the login that it is chosen for: the
// first, in the order of their providers, that has a mapping, or else the first.
func (r roles) choose(v *visitor, custom string) (role string, lead *proven, err error) {
	if len(v.logins) == 0 {
		role, err = v.set.role(wire.RoleUnauthenticated, custom)
		return role, nil, err
	}
	for i := range v.logins {
		if m, ok := r.mapping(v.set, &v.logins[i]); ok {
			role, err = v.set.mapped(m, &v.logins[i], custom)
			return role, &v.logins[i], err
		}
	}
	role, err = v.set.role(wire.RoleAuthenticated, custom)
	return role, &v.logins[0], err
}

// role returns one of the two default roles; a caller that names a role must name that one.
func (set *PoolSettings) role(kind, custom string) (string, error) {
	role := set.Roles[kind]
	switch {
	case role == "":
		return "", wire.NewException(wire.InvalidIdentityPoolConfigurationException, wire.MessageIdentityPoolRoles)
	case custom != "" && custom != role:
		return "", refused(wire.MessageRoleDenied)
	}
	return role, nil
}

// mapping finds the role mapping of a login. A user pool's goes by provider and
// app client, one of IAM's providers by ARN, any other by name.
func (r roles) mapping(set *PoolSettings, p *proven) (wire.RoleMapping, bool) {
	for _, name := range slices.Sorted(maps.Keys(set.RoleMappings)) {
		if name == p.provider.arn || r.means(set, name, p) {
			return set.RoleMappings[name], true
		}
	}
	return wire.RoleMapping{}, false
}

func (r roles) means(set *PoolSettings, name string, p *proven) bool {
	if p.provider.userPool != "" {
		base, ok := strings.CutSuffix(name, ":"+p.client)
		id, known := r.providers.userPoolOf(base)
		return ok && known && id == p.provider.userPool
	}
	other, ok := r.providers.find(set, name)
	return ok && other.name == p.provider.name
}

// mapped chooses by a mapping (developer guide, "Using role-based access control").
func (set *PoolSettings) mapped(m wire.RoleMapping, p *proven, custom string) (string, error) {
	var candidates []string
	preferred := ""
	if m.Type == wire.RoleMappingRules {
		if candidates = p.matching(m.RulesConfiguration); len(candidates) > 0 {
			preferred = candidates[0]
		}
	} else {
		candidates, preferred = p.claims.Roles(), p.claims.PreferredRole()
		if preferred == "" && len(candidates) == 1 {
			preferred = candidates[0]
		}
	}
	switch {
	case custom != "" && (slices.Contains(candidates, custom) || custom == preferred):
		return custom, nil
	case custom != "":
		return "", refused(wire.MessageRoleDenied)
	case preferred != "":
		return preferred, nil
	case m.AmbiguousRoleResolution == wire.AmbiguousRoleDeny:
		return "", refused(wire.MessageRoleDenied)
	}
	return set.role(wire.RoleAuthenticated, "")
}
