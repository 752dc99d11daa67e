package latchkey

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/store"
)

// Operations that many tests count.
const (
	opRefresh     = cognito.OpRefresh
	opIdentity    = cognito.OpIdentity
	opCredentials = cognito.OpCredentials
)

// keep is Keep for a client that is open.
func keep(t *testing.T, c *Client) (stop func()) {
	t.Helper()
	stop, err := c.KeepFresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stop
}

// account is the account of the active session.
func (c *Client) account() store.Account { return c.engine.Current().Record().Account }

// tombstone is the record of a session that its user ended, of the next generation.
func tombstone(r store.Record) store.Record {
	return store.Record{
		Generation: r.Generation + 1, Account: r.Account, Sub: r.Sub, Pending: r.Pending, Redirect: r.Redirect,
		Ended: &store.Ended{Reason: session.SignedOutReason, At: time.Now().Round(0)},
	}
}

// queueRevocation is an edit of the store by another program: a token to be revoked.
func queueRevocation(t *testing.T, kept *store.Memory, account store.Account, token string) {
	t.Helper()
	r, err := kept.Load(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	r.Pending = append(r.Pending, store.Revocation{Token: NewSecret(token), Since: time.Now().Round(0)})
	r.Generation++
	if err := kept.Save(t.Context(), r, r.Generation-1); err != nil {
		t.Fatal(err)
	}
}

// identityOf is a session's identity id, empty without one.
func identityOf(s *Session) string {
	id, _ := s.IdentityID()
	return id
}

// listen is Subscribe for a client that is open.
func listen(t *testing.T, c *Client, f func(Event)) (stop func()) {
	t.Helper()
	stop, err := c.Subscribe(f)
	if err != nil {
		t.Fatal(err)
	}
	return stop
}
