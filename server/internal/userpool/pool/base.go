package pool

import (
	"log/slog"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Config configures a [Base]. Storage, Box, Keys and Issuer are required.
type Config struct {
	Storage storage.Store
	// Box seals verifiers, secrets and challenges, and derives refresh tokens.
	Box *seal.Box
	// Keys signs the tokens of pools.
	Keys *keys.Ring
	// Issuer returns the iss claim of a pool, without a trailing slash.
	Issuer func(poolID string) string
	// Lockout is the schedule of password lockout; the zero value is Cognito's.
	Lockout limits.Lockout
	// Gate bounds the password arithmetic that runs at once; nil is no bound.
	Gate *limits.Gate
	// Messenger delivers codes and temporary passwords. Without one, operations that
	// have to send something fail with CodeDeliveryFailureException.
	Messenger plug.Messenger
	// MessagesPerSource is how many messages the calls of one network address may
	// cause in an hour (see [WithSource]); default 300, negative is no bound.
	MessagesPerSource int
	// SessionsPerUser is how many live sessions a user may have: a sign-in beyond
	// them ends the session that was refreshed least recently. 0 is
	// [DefaultSessionsPerUser].
	SessionsPerUser int
	Logger          *slog.Logger     // default discards
	Now             func() time.Time // the clock; default time.Now
}

// Base is what the flows of user pools share. It is safe for concurrent use.
type Base struct {
	Store  storage.Store
	Box    *seal.Box
	Keys   *keys.Ring
	Issuer func(poolID string) string
	Log    *slog.Logger
	Clock  func() time.Time
	Lists  paging.Lists

	Pools     *Pools
	Passwords *Passwords
	Codes     *Codes
	Sessions  *Sessions
}

// New makes a Base.
func New(c Config) *Base {
	b := &Base{
		Store: c.Storage, Box: c.Box, Keys: c.Keys, Issuer: c.Issuer, Log: c.Logger, Clock: c.Now,
		Lists: paging.Lists{Box: c.Box, Purpose: purposePaging},
	}
	if b.Log == nil {
		b.Log = slog.New(slog.DiscardHandler)
	}
	if b.Clock == nil {
		b.Clock = time.Now
	}
	b.Pools = &Pools{store: b.Store, box: b.Box, log: b.Log, now: b.Now}
	b.Passwords = &Passwords{
		store: b.Store, box: b.Box, lockout: c.Lockout, gate: c.Gate, now: b.Now,
		decoy: b.Box.Seal(purposeVerifier, make([]byte, VerifierSize), nil),
	}
	b.Passwords.lockout.Now = b.Clock
	b.Codes = &Codes{store: b.Store, box: b.Box, log: b.Log, now: b.Now, messenger: c.Messenger, hidden: make(chan struct{}, maxHidden), perSource: messagesPerSource(c.MessagesPerSource)}
	b.Sessions = &Sessions{log: b.Log, now: b.Now, perUser: c.SessionsPerUser}
	if b.Sessions.perUser <= 0 {
		b.Sessions.perUser = DefaultSessionsPerUser
	}
	return b
}

// Now is the clock in the precision of storage, so that answers and stored rows agree.
func (b *Base) Now() time.Time { return b.Clock().UTC().Truncate(time.Microsecond) }

func messagesPerSource(n int) limits.Quota {
	quota := limits.Quota{Events: max(n, 0), Per: time.Hour}
	if n == 0 {
		quota.Events = defaultMessagesPerSource
	}
	return quota
}

// Pools looks pools, clients, users and identity providers up. It keeps decoded settings.
type Pools struct {
	store   storage.Store
	box     *seal.Box
	log     *slog.Logger
	now     func() time.Time
	pools   settings.Cache[Settings]
	clients settings.Cache[ClientSettings]
}

// Decode returns the settings of a pool.
func (s *Pools) Decode(row storage.Pool) (*Settings, error) {
	return s.pools.Decode(row.ID, row.Settings)
}

// Forget drops what is kept of a pool that was deleted.
func (s *Pools) Forget(poolID string) { s.pools.Forget(poolID) }

// ForgetClient drops what is kept of a client that was deleted.
func (s *Pools) ForgetClient(clientID string) { s.clients.Forget(clientID) }

// Passwords finds the user of a typed name, and verifies, counts and changes passwords.
type Passwords struct {
	store   storage.Store
	box     *seal.Box
	lockout limits.Lockout
	gate    *limits.Gate
	now     func() time.Time
	decoy   []byte // a sealed verifier of no user
}

// Codes makes and verifies codes, and sends messages within quotas.
type Codes struct {
	store     storage.Store
	box       *seal.Box
	log       *slog.Logger
	now       func() time.Time
	messenger plug.Messenger
	hidden    chan struct{} // taken by goroutines of SendHidden
	perSource limits.Quota  // of messages; without events there is no bound
}

// CanSend reports whether there is a messenger.
func (s *Codes) CanSend() bool { return s.messenger != nil }

// Sessions writes and ends sessions, and announces their ends to followers.
type Sessions struct {
	log     *slog.Logger
	now     func() time.Time
	perUser int
}
