package pool

import (
	"fmt"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// resourceSettings are a resource server's settings as they are stored.
type resourceSettings struct {
	Scopes []wire.ResourceServerScopeType `json:",omitzero"`
}

// ScopesOf reads a resource server's scopes as they are stored.
func ScopesOf(r storage.ResourceServer) ([]wire.ResourceServerScopeType, error) {
	var set resourceSettings
	if err := wire.Unmarshal(r.Settings, &set); err != nil {
		return nil, fmt.Errorf("userpool: stored scopes of %s: %v", r.Identifier, err)
	}
	return set.Scopes, nil
}

// SetScopes checks scopes and writes them into a resource server.
func SetScopes(r *storage.ResourceServer, list []wire.ResourceServerScopeType) (err error) {
	seen := map[string]bool{}
	for _, scope := range list {
		if seen[scope.ScopeName] {
			return Invalid("Scope %s is given twice.", scope.ScopeName)
		}
		seen[scope.ScopeName] = true
	}
	r.Settings, err = wire.Marshal(resourceSettings{list})
	return err
}
