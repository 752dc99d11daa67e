package latchkeytest

import (
	"context"
	"slices"
	"sync"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// VerifyEmail makes the pool send codes to the e-mail addresses of users who sign up or
// change their address; see [Server.Messages].
func VerifyEmail() Option {
	return Option{func(o *options) { o.pool.AutoVerifiedAttributes = []string{"email"} }}
}

// messages keeps what the service sends.
type messages struct {
	mu   sync.Mutex
	sent []plug.Message
}

// Immediate marks messages as a Messenger whose Send never waits.
func (*messages) Immediate() {}

// Send keeps a message.
func (m *messages) Send(_ context.Context, message plug.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, message)
	return nil
}

// Messages returns the messages that the service has sent, such as codes, the oldest
// first. It is safe for concurrent use.
func (s *Server) Messages() []plug.Message {
	s.messages.mu.Lock()
	defer s.messages.mu.Unlock()
	return slices.Clone(s.messages.sent)
}
