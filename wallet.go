package latchkey

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/freshness"
	"github.com/latchkey-auth/latchkey/store"
)

// A wallet is what the identity pool gave: an identity id and AWS credentials. It
// belongs to one record, whose account it is bound to: the user's, or while nobody
// of the user pool is signed in, the guest's. This file has the snapshot's side of
// it, vend.go the flight that fills it, federate.go the sessions of others.

// holder is the record that the wallet belongs to.
func (s *snapshot) holder() *store.Record {
	if s.live() {
		return &s.record
	}
	return &s.guest
}

// identityFacets fills in what a session says of the identity pool. now is when
// the record was read; the window of credentials just received is passed.
func (c *Client) identityFacets(s *snapshot, now time.Time, fresh *freshness.Window) {
	session, held := &s.session, s.holder()
	session.identityID, session.credentials, session.provider = "", Credentials{}, ""
	s.wallet = freshness.Window{}
	if f := held.Federation; f != nil && c.cfg.IdentityPoolID != "" && !s.live() && !s.expired() {
		session.provider = f.Provider
		session.subErr = fault("FetchSession", ErrNoUserPoolSession, "the session comes from "+f.Provider+"; use its identity id and AWS credentials")
		session.tokensErr = session.subErr
	}
	err := c.unentitled(s)
	if s.asks = err == nil; s.asks {
		err = fault("FetchSession", ErrNotFetched, hintFetched)
		session.identityID = held.IdentityID
		if kept := held.Credentials; kept != nil {
			session.credentials = *kept
			s.wallet = storedWallet(now, *kept, c.cfg.RefreshAhead)
		}
		if fresh != nil {
			s.wallet = *fresh
		}
	}
	session.identityErr, session.credentialsErr = err, err
	if session.identityID != "" {
		session.identityErr = nil
	}
	if session.credentials.AccessKeyID != "" {
		session.credentialsErr = nil
	}
	c.ripen(s)
}

// unentitled says why a session has nothing to ask the identity pool for; nil if
// it has. A session that the service has ended is never taken for a guest's.
func (c *Client) unentitled(s *snapshot) error {
	switch {
	case s.expired():
		return s.session.subErr
	case c.cfg.IdentityPoolID == "":
		return fault("FetchSession", ErrNoIdentityPool, "set Config.IdentityPoolID")
	case s.live():
		if s.session.tokensErr == nil && s.session.tokens.ID == nil {
			return fault("FetchSession", ErrConfig, "the identity pool needs an ID token, and the session has none; sign in with the scope openid")
		}
	case s.session.provider == "" && !c.cfg.AllowGuests:
		return fault("FetchSession", ErrGuestsDisabled, hintGuests)
	}
	return nil
}

// ripen reckons until when the hot paths may hand the snapshot out without a
// thought. While nobody is signed in that is never longer than until the store is
// to be read again, see ready.
func (c *Client) ripen(s *snapshot) {
	switch {
	case s.live() && s.asks:
		s.hot, s.purse = s.clock.Earlier(s.wallet), s.wallet
	case s.live():
		s.hot, s.purse = s.clock, freshness.Window{}
	case s.asks:
		s.purse = s.wallet.Earlier(freshness.Window{Base: s.readAt, Due: recheck, DueWall: s.readAt.UnixNano() + int64(recheck)})
		s.hot = s.purse
	default:
		s.hot, s.purse = freshness.Window{}, freshness.Window{}
	}
}

// storedWallet judges credentials that were read from a store.
func storedWallet(now time.Time, kept Credentials, ahead time.Duration) freshness.Window {
	return freshness.Credentials(now, kept.ReceivedAt, kept.Expiration, ahead)
}

// needCredentials says what has to happen before the identity pool's facets can
// be handed out.
func (s *snapshot) needCredentials(now time.Time, want FetchOption) need {
	if !s.asks {
		return needNothing
	}
	return needOf(&s.wallet, now, want.force, want.least)
}

// answer is the session of a caller for whom something had to be renewed and could
// not be; nil errors are of what succeeded. Credentials that have not expired stay
// usable, unless the caller insists on others.
func (s *snapshot) answer(want FetchOption, tokensErr, walletErr error) *Session {
	// What a caller did not ask for was not renewed: it may have expired.
	usable := s.session.credentialsErr != nil || s.wallet.Left(time.Now()) > 0
	if walletErr == nil && !usable {
		walletErr = fault("FetchSession", ErrNotFetched, hintFetched)
	}
	if tokensErr == nil && walletErr == nil {
		return &s.session
	}
	session := s.session
	if tokensErr != nil {
		session.tokens, session.tokensErr = Tokens{}, tokensErr
	}
	if walletErr == nil {
		return &session
	}
	if session.identityID == "" {
		session.identityErr = walletErr
	}
	if want.force || !usable || session.credentialsErr != nil {
		session.credentials, session.credentialsErr = Credentials{}, walletErr
	}
	return &session
}

// loadGuest reads the guest's record into a snapshot of nobody. A record that
// memory has and the store has lost to damage is put back; while none can be read,
// memory's counts, and the reverse.
func (c *Client) loadGuest(ctx context.Context, s, old *snapshot) {
	if c.cfg.IdentityPoolID == "" || s.expired() {
		return
	}
	guest, err := c.loadBounded(ctx, c.guestAccount())
	if err == nil {
		c.seat(s, guest, guest.Generation, nil)
	}
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return
	}
	c.log.WarnContext(ctx, "latchkey: the guest's record cannot be read", "error", err)
	if old == nil || old.live() || old.guest.Generation == 0 {
		return
	}
	kept := old.guestKept
	if errors.Is(err, store.ErrDamaged) {
		if kept = 0; c.save(ctx, old.guest, 0) == nil {
			kept = old.guest.Generation
		}
	}
	wallet := old.wallet
	c.seat(s, old.guest, kept, &wallet)
}

// seat puts a guest's record into a snapshot of nobody that is not published yet.
func (c *Client) seat(s *snapshot, guest store.Record, kept uint64, fresh *freshness.Window) {
	if s.session.provider != "" {
		out := fault("FetchSession", ErrSignedOut, hintSignIn)
		s.session.subErr, s.session.tokensErr = out, out
	}
	s.guest, s.guestKept = guest, kept
	c.identityFacets(s, s.readAt, fresh)
}

// followGuest takes what the store says of the guest into a copy of what memory
// knows, unless that is newer, or the same with better clocks.
func (c *Client) followGuest(s, found *snapshot) {
	unsaved := s.guestKept < s.guest.Generation
	if unsaved && found.guest.Generation < s.guest.Generation {
		return
	}
	if found.guest.Generation == s.guest.Generation {
		s.guestKept = found.guestKept
		return
	}
	c.seat(s, found.guest, found.guestKept, nil)
}

// carry takes the wallet of what is current into a snapshot that is to replace it
// and whose record was read before the wallet was filled. Both are of one account
// and epoch. c.mu is held.
func (c *Client) carry(s, now *snapshot) {
	if s == now || !s.live() || !now.live() || now.record.Account != s.record.Account || now.record.Sub != s.record.Sub {
		return
	}
	mine, other := s.record.Credentials, now.record.Credentials
	if other == nil || mine != nil && !other.ReceivedAt.After(mine.ReceivedAt) {
		return
	}
	s.record.IdentityID, s.record.Credentials = now.record.IdentityID, other
	if now.kept == now.record.Generation && now.kept > s.record.Generation {
		s.record.Generation, s.kept = now.kept, now.kept
	}
	wallet := now.wallet
	c.identityFacets(s, s.readAt, &wallet)
}

// noteIdentity tells subscribers when a snapshot that was just published shows
// another identity than the one before. c.mu is held.
func (c *Client) noteIdentity(s *snapshot) {
	id := s.session.identityID
	if id == "" || id == c.identity {
		return
	}
	if c.identity != "" {
		c.emit(Event{Kind: EventIdentityChanged, Username: s.session.username, Provider: s.session.provider, IdentityID: id})
	}
	c.identity = id
}
