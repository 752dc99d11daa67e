package session

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// Config is what an Engine is made of.
type Config struct {
	Scope store.Scope
	// Account binds the engine to one username of the scope, whichever account is active;
	// empty for an engine of the active account. A bound engine has no guest and no session
	// of another provider, and neither reads nor moves the scope's pointer.
	Account string
	// FormerScopes are where the service's records may be too: those of its former
	// addresses, and the scope without a service, of earlier versions.
	FormerScopes []store.Scope
	// Ours reports whether tokens of an issuer can be the service's, for records whose key
	// does not name it.
	Ours func(issuer string) bool
	// FormerIssuer reports whether an issuer is the one of the service at a former
	// address: tokens of it are refreshed before they are used. nil is never.
	FormerIssuer func(issuer string) bool
	// FormerIdentityOrigins are where the identity pool was called at former addresses.
	FormerIdentityOrigins []string
	Store                 store.Store
	UserPool              UserPool
	IdentityPool          IdentityPool
	// IdentityPoolID is empty without an identity pool. IdentityOrigin is where it is
	// called.
	IdentityPoolID, IdentityOrigin string
	Guests                         bool          // users who are not signed in may ask the identity pool
	Ahead                          time.Duration // how long before their end tokens are due; 0 is the default
	Sources                        map[string]TokenSource
	Log                            *slog.Logger
}

// Engine holds one scope's active session. It is safe for concurrent use.
type Engine struct {
	reader       reader
	owner        *Owner
	records      *Records
	life         *lifecycle
	flights      *flights
	queue        *revocationQueue
	userPool     UserPool
	identityPool IdentityPool
	sources      *sources
	log          *slog.Logger

	tokenBackoff, credentialsBackoff   *backoff
	tokenRenewals, credentialsRenewals *renewals

	// changing is held by what replaces the active session: sign-in, sign-out, switch.
	// Renewals do not hold it.
	changing turn
	keepers  refreshers
	watching watching
}

// New makes an Engine. It reads nothing before it is asked.
func New(cfg Config) *Engine {
	life := newLifecycle(cfg.Log)
	owner := &Owner{}
	kept := &bound{
		Store: cfg.Store, scope: cfg.Scope, account: cfg.Account, former: cfg.FormerScopes, ours: cfg.Ours,
		identityOrigin: cfg.IdentityOrigin, formerIdentityOrigins: cfg.FormerIdentityOrigins,
	}
	records := &Records{store: kept, scope: cfg.Scope, owner: owner, life: life, log: cfg.Log, healing: newTurn()}
	e := &Engine{
		reader: reader{
			ahead: cfg.Ahead, scope: cfg.Scope, pool: cfg.IdentityPoolID, origin: cfg.IdentityOrigin, guests: cfg.Guests && cfg.Account == "",
			formerIssuer: cfg.FormerIssuer,
		},
		owner: owner, records: records, life: life, log: cfg.Log,
		flights:  &flights{life: life, running: map[flightKey]*flight{}},
		userPool: cfg.UserPool, identityPool: cfg.IdentityPool,
		sources:      &sources{known: maps.Clone(cfg.Sources)},
		tokenBackoff: &backoff{}, credentialsBackoff: &backoff{},
		changing: newTurn(),
	}
	owner.wake = e.keepers.wake
	e.queue = &revocationQueue{records: records, pool: cfg.UserPool, life: life, log: cfg.Log}
	e.tokenRenewals = &renewals{owner: owner, records: records, flights: e.flights, backoff: e.tokenBackoff, revoke: e.queue.revokeOrphan, log: cfg.Log}
	e.credentialsRenewals = &renewals{owner: owner, records: records, flights: e.flights, backoff: e.credentialsBackoff, revoke: e.queue.revokeOrphan, log: cfg.Log}
	return e
}

// Close waits for renewals in progress, so that new tokens are not lost, and for a
// revocation in progress. It fails if the latest tokens could not be stored.
func (e *Engine) Close() error {
	e.life.close()
	last := e.owner.close()
	if last != nil && last.Live() && last.user.unsaved() {
		return fault.New("", fault.Store, "the latest tokens were never stored; sign in again after a restart")
	}
	return nil
}

// Closed returns an error once Close was called.
func (e *Engine) Closed() error {
	if e.life.isClosed() {
		return errClosed
	}
	return nil
}

// Done is closed once Close was called.
func (e *Engine) Done() <-chan struct{} { return e.life.ctx.Done() }

// Current is the present state, nil before the store was read: the hot path.
func (e *Engine) Current() *State { return e.owner.load() }

// Reached is called when the service has answered. The engine then sends the revocations that
// this client or another could not send before.
func (e *Engine) Reached() { e.queue.reached() }

// Ready returns the present state, and reads the store if there is none, or if no user is
// signed in and it is old.
func (e *Engine) Ready(ctx context.Context) (*State, error) {
	s := e.owner.load()
	if s != nil && (s.Live() || time.Since(s.readAt) < recheck) {
		return s, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// However many callers come while the program starts, the store is read once.
	epoch := e.owner.present()
	f, err := e.flights.join(ctx, flightKey{kind: loadFlight}, nil, func(ctx context.Context, f *flight) { f.err = e.readStore(ctx, epoch) })
	if err != nil {
		return nil, err
	}
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	if s := e.owner.load(); s != nil {
		return s, nil // also if the store could not be read again
	}
	if f.err == nil {
		return nil, errClosed
	}
	return nil, f.err
}

// readStore reads the active account's record.
func (e *Engine) readStore(ctx context.Context, epoch uint64) error {
	record, err := e.activeRecord(ctx)
	if err != nil {
		e.log.ErrorContext(ctx, "latchkey: cannot read the stored session", "error", err)
		return storeFault(err)
	}
	found := e.reader.state(stored(record), time.Now(), nil)
	if !found.Live() {
		e.readGuest(ctx, found, e.owner.load())
		e.nameElsewhere(ctx, found)
	}
	e.owner.edit(epoch, func(old *State) change { return e.adoptStored(old, found) })
	return nil
}

// nameElsewhere adds to the errors of a state without a user the name of another service, if
// the user is signed in there.
func (e *Engine) nameElsewhere(ctx context.Context, s *State) {
	if s.expired() || s.view.provider != "" {
		return
	}
	service := e.records.store.elsewhere(ctx)
	if service == "" {
		return
	}
	out := fault.New("", fault.SignedOut, hintSignIn)
	out.Err = &fault.Elsewhere{Service: service}
	s.view.subErr, s.view.tokensErr = out, out
}

// activeRecord is the record that the scope's pointer names. No pointer, or a pointer to
// nothing, is a scope without a session. Any other failure is reported and not taken for
// that: the session may be there.
func (e *Engine) activeRecord(ctx context.Context) (store.Record, error) {
	s := e.records.store
	account, err := s.Active(ctx, e.reader.scope)
	record := store.Record{Account: account}
	if err == nil && account.Username != "" { // the guest's record is not a user's
		record, err = s.Load(ctx, account)
	}
	if errors.Is(err, store.ErrNotFound) {
		return store.Record{Account: store.Account{Scope: e.reader.scope, Username: account.Username}}, nil
	}
	return record, err
}

// adoptStored makes what the store holds the present state, unless memory knows more.
func (e *Engine) adoptStored(old, found *State) change {
	if old != nil && old.newerThan(found.user.Record) {
		again := copyOf(old)
		again.readAt = found.readAt
		if updateFreshness(again); !again.Live() {
			e.reader.updateGuest(again, found)
		}
		found = again
	}
	other := old != nil && old.login() != found.login()
	return change{state: found, events: newsOf(old, found), newEpoch: other}
}

// newsOf are the events that tell of what the store holds, when nothing was known before
// or no user of the user pool was signed in.
func newsOf(old, found *State) []Event {
	var news []Event
	restored := Event{Kind: Restored, Username: found.view.username, Provider: found.view.provider}
	if old != nil {
		if old.login() == found.login() {
			return nil
		}
		restored.Cause = CauseRemote // it was not there when the store was read before
		if old.view.provider != "" {
			news = append(news, Event{Kind: SignedOut, Provider: old.view.provider, Cause: CauseRemote})
		}
	}
	if found.login() != "" {
		news = append(news, restored)
	}
	return news
}

// readGuest reads the guest's record into a state without a user. A record that memory
// has and the store has lost to damage is put back; while none can be read, memory's
// counts.
func (e *Engine) readGuest(ctx context.Context, s, old *State) {
	if e.reader.pool == "" || s.expired() {
		return
	}
	guest, err := e.records.load(ctx, e.reader.guestAccount())
	if err == nil {
		e.reader.setGuest(s, stored(guest), nil)
	}
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return
	}
	e.log.WarnContext(ctx, "latchkey: cannot read the guest's record", "error", err)
	if old == nil || old.Live() || old.guest.Record.Generation == 0 {
		return
	}
	held := old.guest
	if errors.Is(err, store.ErrDamaged) {
		if held.Stored = 0; e.records.save(ctx, held.Record, 0) == nil {
			held.Stored = held.Record.Generation
		}
	}
	window := old.credentials
	e.reader.setGuest(s, held, &window)
}

// sources are the token sources of other providers, by provider.
type sources struct {
	mu    sync.Mutex
	known map[string]TokenSource
}

func (s *sources) of(provider string) TokenSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[provider]
}

func (s *sources) register(provider string, source TokenSource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]TokenSource{}
	}
	s.known[provider] = source
}
