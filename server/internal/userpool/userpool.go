package userpool

import (
	"maps"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/accounts"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/admin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/signin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
)

// Config configures a [Service].
type Config struct {
	Pool   pool.Config
	Tokens tokens.Config
	Admin  admin.Config
	// Factors asks for proofs beyond the password; nil asks for none.
	Factors signin.Factors
}

// Service is all flows over one storage. It is safe for concurrent use.
type Service struct {
	Base     *pool.Base
	SignIn   *signin.Service
	Tokens   *tokens.Service
	Accounts *accounts.Service
	Admin    *admin.Service
}

// New makes a Service.
func New(c Config) *Service {
	base := pool.New(c.Pool)
	t := tokens.New(base, c.Tokens)
	return &Service{Base: base, SignIn: signin.New(base, t, c.Factors), Tokens: t, Accounts: accounts.New(base, t), Admin: admin.New(base, t, c.Admin)}
}

// Operations are the operations of all flows, by name.
func (s *Service) Operations() map[string]wire.Handler {
	table := map[string]wire.Handler{}
	for _, flow := range []map[string]wire.Handler{s.SignIn.Operations(), s.Tokens.Operations(), s.Accounts.Operations(), s.Admin.Operations()} {
		maps.Copy(table, flow)
	}
	return table
}
