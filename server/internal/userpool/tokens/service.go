package tokens

import (
	"log/slog"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// longestLost bounds Config.LostAnswers.
const longestLost = 24 * time.Hour

// Config configures a [Service].
type Config struct {
	// LostAnswers is how long a rotated refresh token stays good while its successor has
	// not been used, where that is longer than the client's RetryGracePeriodSeconds; at
	// most a day. 0 leaves it at Cognito's rule.
	LostAnswers time.Duration
}

// Service issues, verifies, refreshes and revokes tokens. It is safe for concurrent use.
type Service struct {
	pools     *pool.Pools
	passwords *pool.Passwords
	sessions  *pool.Sessions

	store  storage.Store
	box    *seal.Box
	log    *slog.Logger
	clock  func() time.Time
	now    func() time.Time
	keys   *keys.Ring
	issuer func(poolID string) string
	lost   time.Duration // see Config.LostAnswers

	verifiers sync.Map // pool id → *jwt.Verifier
	former    sync.Map // pool id and issuer from before → *jwt.Verifier
}

// New makes a Service.
func New(b *pool.Base, c Config) *Service {
	return &Service{
		pools: b.Pools, passwords: b.Passwords, sessions: b.Sessions,
		store: b.Store, box: b.Box, log: b.Log, clock: b.Clock, now: b.Now,
		keys: b.Keys, issuer: b.Issuer, lost: min(c.LostAnswers, longestLost),
	}
}

// Operations are the operations that this room offers, by name.
func (s *Service) Operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"GetTokensFromRefreshToken": wire.Handle(s.GetTokensFromRefreshToken),
		"RevokeToken":               wire.Handle(s.RevokeToken),
		"GlobalSignOut":             wire.Handle(s.GlobalSignOut),
		"AdminUserGlobalSignOut":    wire.Handle(s.AdminUserGlobalSignOut),
	}
}
