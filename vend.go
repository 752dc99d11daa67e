package latchkey

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/freshness"
	"github.com/latchkey-auth/latchkey/store"
)

// aheadLock is how long a renewal that nobody waits for waits for the lock:
// whoever holds it for longer is renewing.
const aheadLock = 100 * time.Millisecond

// claimTime is how long a user who has just signed in waits for the guest's own
// call to end before he gets an identity without the guest's.
const claimTime = 2 * time.Second

// vending is one call of the identity pool for one account.
type vending struct {
	c      *Client
	key    flightKey
	flight *flight
	want   FetchOption

	record store.Record // whose wallet is to be filled
	kept   uint64       // its generation in the store; 0 if it is not there
	// unsaved: memory, or nobody, has the record, and the store is left alone.
	unsaved bool
	// upgraded is the guest's identity id that the user's first call links.
	upgraded string
	claimed  bool            // the guest's record is to go
	source   TokenSourceFunc // instead of the registered one
	tries    int
	replaced bool // an identity that is gone was replaced by another
	renewed  bool // a login token that the pool found too old was replaced
}

// filled is what the identity pool answered. Credentials are nil while it has
// only named the identity.
type filled struct {
	identity    string
	credentials *Credentials
	window      *freshness.Window
}

// joinVending joins the flight that fills a session's wallet, or starts one if
// nothing bars it. Nobody waits for it if behind is set.
func (c *Client) joinVending(ctx context.Context, s *snapshot, want FetchOption, behind bool) (*flight, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.epoch != c.epoch {
		return nil, errMoved
	}
	key := flightKey{wallet: true, account: s.holder().Account, epoch: s.epoch}
	if c.flights[key] == nil && c.drought.bars(time.Now(), want.force) {
		return nil, c.drought.err
	}
	return c.takeOffLocked(ctx, key, func(ctx context.Context, f *flight) { c.vend(ctx, key, f, want, behind) })
}

// vend is the work of such a flight. Like a refresh it locks, reads again, adopts
// what another process was given or calls, and replaces the record only if it is
// still the one that was read. Its lock is another than the refresh's: tokens
// never wait for the identity pool.
func (c *Client) vend(ctx context.Context, key flightKey, f *flight, want FetchOption, behind bool) {
	v := &vending{c: c, key: key, flight: f, want: want}
	unlock, err := c.lockWallet(ctx, key.account, behind)
	if err != nil && behind && errors.Is(err, context.DeadlineExceeded) {
		return // somebody else is at it
	}
	if err != nil {
		c.settleVending(v, filled{}, &Error{
			Op: "FetchSession", Kind: ErrStore, Message: "the lock of the AWS credentials could not be had", Err: err,
			Hint: "another program may be holding it",
		})
		return
	}
	defer unlock()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), flightTime, errTimeout)
	defer cancel()
	got, err := v.run(ctx)
	c.settleVending(v, got, err)
}

// lockWallet holds off other processes, if the store can. The lock is that of the
// same username in a scope of the identity pool's.
func (c *Client) lockWallet(ctx context.Context, account store.Account, behind bool) (unlock func(), err error) {
	if behind {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, aheadLock)
		defer cancel()
	}
	account.Scope = store.Scope{PoolID: c.cfg.IdentityPoolID, ClientID: account.ClientID}
	return c.lockAccount(ctx, account)
}

// run asks until there is an answer to keep.
func (v *vending) run(ctx context.Context) (filled, error) {
	got, done, err := v.read(ctx)
	if done || err != nil {
		return got, err
	}
	if v.ofUser() && v.record.IdentityID == "" && !v.unsaved {
		release := v.claimGuest(ctx)
		defer release()
	}
	if memory := v.memory(); v.ofUser() && memory != nil && memory.clock.Left(time.Now()) <= 0 {
		if err := v.refreshLogin(ctx, false); err != nil {
			return filled{}, err
		}
	}
	for {
		got, err := v.ask(ctx)
		if err == nil {
			return v.keep(ctx, got)
		}
		verdict := verdictOf(err)
		switch {
		case v.passOver(verdict):
		case verdict.class == classStaleLogin && v.ofUser() && !v.renewed:
			// Only a refresh can tell whether the session is over.
			v.renewed = true
			if err := v.refreshLogin(ctx, true); err != nil {
				return filled{}, err
			}
		case verdict.class == classStaleLogin && v.record.Federation != nil:
			return filled{}, needsSignIn(v.record.Federation.Provider, err)
		case verdict.class == classDropIdentity:
			return v.partly(ctx, err) // another one was gone already
		default:
			if v.tries++; !pause(ctx, verdict, v.tries) {
				return v.partly(ctx, err)
			}
		}
	}
}

// ofUser reports whether it is about a user of the user pool.
func (v *vending) ofUser() bool { return v.key.account.Username != "" }

// passOver reports whether the identity that was asked for is given up for
// another: once, if it is gone, and if it was the guest's also if the pool will
// not have it linked to the login. An identity that the application has named is
// not given up.
func (v *vending) passOver(verdict verdict) bool {
	named := v.record.Federation != nil && v.record.Federation.IdentityID != ""
	if v.replaced || named || v.record.IdentityID == "" && v.upgraded == "" {
		return false
	}
	refused := verdict.class == classConfig || verdict.class == classConflict
	if verdict.class != classDropIdentity && !(refused && v.upgraded != "") {
		return false
	}
	v.replaced, v.upgraded, v.record.IdentityID = true, "", ""
	return true
}

// read takes the record from the store, and says whether that settles it: another
// process has filled the wallet, or ended the session.
func (v *vending) read(ctx context.Context) (got filled, done bool, err error) {
	memory := v.memory()
	if memory == nil {
		return got, true, errMoved
	}
	if v.ofUser() {
		err = v.readUser(ctx, memory)
	} else {
		err = v.readGuest(ctx, memory)
	}
	if err != nil {
		return got, true, err
	}
	if v.gone(memory) {
		v.tellGone(memory)
		return got, true, errMoved
	}
	return v.adopt(memory)
}

// readUser reads a user's record. What memory has and the store lost, or could not
// take yet, counts.
func (v *vending) readUser(ctx context.Context, memory *snapshot) error {
	record, err := v.c.loadSettled(ctx, v.key.account)
	unsaved := memory.kept < memory.record.Generation
	switch {
	case err == nil && unsaved && record.Generation <= memory.kept:
		v.record, v.unsaved = memory.record, true
	case err == nil && unsaved:
		again, ok := v.c.rebase(ctx, memory, record)
		if v.record, v.kept = record, record.Generation; ok {
			v.record, v.kept, v.unsaved = again.record, again.kept, again.kept < again.record.Generation
		}
	case err == nil:
		v.record, v.kept = record, record.Generation
	case errors.Is(err, store.ErrNotFound) && !unsaved:
		v.record = store.Record{Account: v.key.account}
	case errors.Is(err, store.ErrDamaged):
		// Put it back, so that nobody takes the damage for a sign-out.
		v.record, v.kept = memory.record, memory.record.Generation
		if v.c.save(ctx, v.record, 0) != nil {
			v.kept, v.unsaved = 0, true
		}
	default:
		v.record, v.unsaved = memory.record, true
	}
	return nil
}

// readGuest reads the guest's record. No record is a guest who has nothing yet.
func (v *vending) readGuest(ctx context.Context, memory *snapshot) error {
	record, err := v.c.loadBounded(ctx, v.key.account)
	missing := errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged)
	switch {
	case err == nil:
		v.record, v.kept = record, record.Generation
	case missing && (memory.guestKept == 0 || errors.Is(err, store.ErrDamaged)):
		v.record = memory.guest // it could not be stored, or was lost
	case missing:
		v.record = store.Record{Account: v.key.account}
	case memory.guest.Generation == 0:
		return storeFault("FetchSession", err) // there may be an identity to keep
	default:
		v.record, v.kept, v.unsaved = memory.guest, memory.guestKept, true
	}
	return nil
}

// memory is the active snapshot, if it is of the account in question.
func (v *vending) memory() *snapshot {
	if s := v.c.current.Load(); s != nil && s.epoch == v.key.epoch && s.holder().Account == v.key.account {
		return s
	}
	return nil
}

// gone reports whether the record is not of the login any more that the flight
// was started for: another process has ended it, or put another in its place.
func (v *vending) gone(memory *snapshot) bool {
	if v.ofUser() {
		return v.record.Tokens == nil || v.record.Ended != nil || v.record.Sub != memory.record.Sub
	}
	mine, other := v.record.Federation, memory.guest.Federation
	return (mine == nil) != (other == nil) || mine != nil && *mine != *other
}

// tellGone has memory follow: what another process did to a user's session is
// known now, and what it did to a guest's will be, when the store is read again.
func (v *vending) tellGone(memory *snapshot) {
	c := v.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current.Load() != memory || c.epoch != v.key.epoch {
		return
	}
	if v.ofUser() {
		found := c.newSnapshot(v.record, v.record.Generation, time.Now(), nil)
		event := changeOf(memory, found)
		event.Username = v.key.account.Username
		c.activateLocked(found, event)
		return
	}
	again := *memory
	again.readAt = time.Time{}
	c.ripen(&again)
	c.publish(&again)
}

// adopt takes what the record holds, if that is good enough.
func (v *vending) adopt(memory *snapshot) (got filled, done bool, err error) {
	kept := v.record.Credentials
	if kept == nil {
		return got, false, nil
	}
	now := time.Now()
	wallet := storedWallet(now, *kept, v.c.cfg.RefreshAhead)
	if held := memory.holder().Credentials; held != nil && held.SessionToken.Equal(kept.SessionToken) {
		wallet = memory.wallet // its clocks are better than those of a record read anew
	} else if v.want.force && !kept.ReceivedAt.Before(v.flight.started.Round(0)) {
		return filled{v.record.IdentityID, kept, &wallet}, true, nil
	}
	if needOf(&wallet, now, v.want.force, v.want.least) != needNothing {
		return got, false, nil
	}
	return filled{v.record.IdentityID, kept, &wallet}, true, nil
}

// refreshLogin gets another ID token, also though the old one looks good if force
// is set. What it changes in the store is met by keep.
func (v *vending) refreshLogin(ctx context.Context, force bool) error {
	q := &inquiry{c: v.c, want: FetchOption{force: force, tokensOnly: true}, since: time.Now()}
	s, tokensErr, err := q.tokens(ctx)
	if err == nil {
		err = tokensErr
	}
	if err != nil {
		return err
	}
	if !s.live() || s.record.Account != v.key.account {
		return errMoved
	}
	v.record.Tokens = s.record.Tokens
	return nil
}

// claimGuest takes the guest's identity for the user who has signed in, and holds
// off everybody else who might until release. Where the guest's record cannot be
// read, the user gets an identity without it.
func (v *vending) claimGuest(ctx context.Context) (release func()) {
	guest := v.c.guestAccount()
	bounded, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	unlock, err := v.c.lockWallet(bounded, guest, false)
	if err != nil {
		return func() {}
	}
	record, err := v.c.loadBounded(ctx, guest)
	if err != nil || record.Federation != nil {
		return unlock
	}
	v.upgraded, v.claimed = record.IdentityID, true
	return unlock
}

// keep stores what was given, before anything else is done with it. That it cannot
// be stored is no failure of the call: it lasts as long as the process then.
func (v *vending) keep(ctx context.Context, got filled) (filled, error) {
	for range saveAttempts {
		next := v.record
		next.IdentityID, next.Credentials = got.identity, got.credentials
		next.Generation, next.SavedAt = max(v.record.Generation, v.kept)+1, time.Now().Round(0)
		if next.Generation == 1 {
			next.Generation = firstGeneration()
		}
		if v.unsaved {
			break
		}
		err := v.c.save(ctx, next, v.kept)
		if err == nil {
			v.record, v.kept = next, next.Generation
			v.forgetGuest(ctx)
			return got, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			v.c.log.WarnContext(ctx, "latchkey: AWS credentials could not be stored", "username", v.key.account.Username, "error", err)
			break
		}
		if err := v.reread(ctx); err != nil {
			return filled{}, err
		}
	}
	v.unsaved = true
	v.record.IdentityID, v.record.Credentials = got.identity, got.credentials
	return got, nil
}

// reread takes the record anew after somebody else has changed it. A record of
// another login, or none, means that what was given is nobody's.
func (v *vending) reread(ctx context.Context) error {
	record, err := v.c.loadBounded(ctx, v.key.account)
	if errors.Is(err, store.ErrNotFound) {
		return errMoved
	}
	if err != nil {
		return storeFault("FetchSession", err)
	}
	before := v.record
	v.record, v.kept = record, record.Generation
	if memory := v.memory(); memory == nil || v.gone(memory) {
		v.record = before
		return errMoved
	}
	return nil
}

// forgetGuest deletes the guest's record once its identity is the user's, or gone.
func (v *vending) forgetGuest(ctx context.Context) {
	if !v.claimed {
		return
	}
	if err := v.c.drop(context.WithoutCancel(ctx), v.c.guestAccount()); err != nil {
		v.c.log.WarnContext(ctx, "latchkey: the guest's identity stays in the store though a user has it", "error", err)
	}
}

// partly keeps the identity that the pool has named, though it gave no
// credentials: to ask again would make another guest.
func (v *vending) partly(ctx context.Context, cause error) (filled, error) {
	if memory := v.memory(); v.record.IdentityID != "" && memory != nil && memory.holder().IdentityID != v.record.IdentityID {
		got, err := v.keep(ctx, filled{identity: v.record.IdentityID})
		if err != nil {
			return filled{}, err
		}
		return got, cause
	}
	return filled{}, cause
}

// settleVending makes the outcome known, as settle does for tokens.
func (c *Client) settleVending(v *vending, got filled, err error) {
	if err != nil && !errors.Is(err, errMoved) {
		c.log.Warn("latchkey: no AWS credentials could be had", "username", v.key.account.Username, "error", err)
	}
	c.mu.Lock()
	v.flight.err = err
	if now := v.memory(); now != nil && c.epoch == v.key.epoch {
		c.settleWallet(v, now, got, err)
	}
	c.mu.Unlock()
	c.land(v.key, v.flight)
}

// settleWallet is settleVending for the active session. c.mu is held.
func (c *Client) settleWallet(v *vending, now *snapshot, got filled, err error) {
	switch {
	case errors.Is(err, errMoved):
		return
	case err != nil:
		if c.drought.add(err, verdictOf(err).wait, time.Now()) && now.session.provider != "" && errors.Is(err, ErrNeedsSignIn) {
			c.emit(Event{Kind: EventRefreshFailed, Provider: now.session.provider, Err: err})
		}
	default:
		c.drought = trouble{}
	}
	if got.identity == "" {
		return
	}
	next := *now
	if held := next.holder(); next.live() {
		held.IdentityID, held.Credentials = got.identity, got.credentials
		// The tokens in memory are the record's, unless another process has
		// refreshed them: that is for the next refresh to find.
		if !v.unsaved && now.kept == now.record.Generation && v.kept > now.kept && v.record.Tokens.Access.Equal(now.record.Tokens.Access) {
			next.record.Generation, next.kept = v.kept, v.kept
			next.record.Pending = v.record.Pending
		}
	} else {
		*held, next.guestKept = v.record, v.kept
	}
	c.identityFacets(&next, time.Now(), got.window)
	c.publish(&next)
	c.noteIdentity(&next)
}
