package pool

import (
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// resourceSettings are a resource server's settings as they are stored.
type resourceSettings struct {
	Scopes []wire.ResourceServerScopeType `json:",omitzero"`
}

// ScopesOf reads a resource server's scopes as they are stored.
func ScopesOf(r storage.ResourceServer) ([]wire.ResourceServerScopeType, error) {
	var set resourceSettings
	err := settings.Decode("resource server "+r.Identifier, r.Settings, &set)
	return set.Scopes, err
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
	r.Settings, err = settings.Encode(resourceSettings{list})
	return err
}
