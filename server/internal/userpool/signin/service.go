package signin

import (
	"time"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Service signs users in. It is safe for concurrent use.
type Service struct {
	pools     *pool.Pools
	passwords *pool.Passwords
	tokens    *tokens.Service
	factors   Factors // nil without any

	store storage.Store
	box   *seal.Box
	now   func() time.Time
}

// New makes a Service. Without factors, the password is sufficient.
func New(b *pool.Base, t *tokens.Service, factors Factors) *Service {
	return &Service{pools: b.Pools, passwords: b.Passwords, tokens: t, factors: factors, store: b.Store, box: b.Box, now: b.Now}
}

// Operations are the operations that this room offers, by name.
func (s *Service) Operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"InitiateAuth":                wire.Handle(s.InitiateAuth),
		"RespondToAuthChallenge":      wire.Handle(s.RespondToAuthChallenge),
		"AdminInitiateAuth":           wire.Handle(s.AdminInitiateAuth),
		"AdminRespondToAuthChallenge": wire.Handle(s.AdminRespondToAuthChallenge),
	}
}
