package server

import (
	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
)

// Offered returns the names of the operations that the service offers, for Call.
func Offered(s *Server) []string {
	var names []string
	for target := range s.operations {
		operation, _ := lookup(target)
		names = append(names, actionName(operation))
	}
	return names
}

// NewWithKeys is New with signing keys from elsewhere.
func NewWithKeys(c Config, ring *keys.Ring) (*Server, error) { return newServer(c, ring) }

// UserPools are the service's user pools, for tests of what no operation does.
func UserPools(s *Server) *userpool.Service { return s.pools }
