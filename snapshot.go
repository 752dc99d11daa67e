package latchkey

import (
	"time"

	"github.com/latchkey-auth/latchkey/internal/freshness"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// snapshot is what the client knows, made once and never changed: FetchSession
// reads it without a lock.
type snapshot struct {
	epoch   uint64 // of the client when this became the active session
	record  store.Record
	session Session
	clock   freshness.Window // of the tokens
	// kept is the generation that the store is known to hold. It is less than
	// the record's while the record could not be saved.
	kept uint64
	// replaced is the access token that the store still has then; see rebased.
	replaced Secret
	readAt   time.Time // when the store was read

	// guest is the record of the scope's guest, or of the session of another
	// provider that stands in its place, while nobody of the user pool is signed in.
	guest     store.Record
	guestKept uint64
	asks      bool             // the identity pool can be asked for this session
	wallet    freshness.Window // of the credentials; zero without any

	// hot and purse are what the hot paths of FetchSession and FetchCredentials go
	// by: until when all that they hand out is fresh; see ripen.
	hot, purse freshness.Window
}

// live reports whether there is a user pool session.
func (s *snapshot) live() bool { return s.record.Tokens != nil && s.record.Ended == nil }

// expired reports whether the service has ended the session.
func (s *snapshot) expired() bool {
	return s.record.Ended != nil && s.record.Ended.Reason != reasonSignedOut
}

// login says who is signed in, by the user pool or by another provider; empty if
// nobody is.
func (s *snapshot) login() string {
	if s.live() {
		return "user " + s.record.Account.Username
	}
	if f := s.guest.Federation; f != nil && s.asks {
		return "provider " + f.Provider + " " + f.Subject
	}
	return ""
}

// boundDrift is the service's clock minus ours, at most a day either way.
// Whoever finds a day there must reckon by the time of receipt instead.
func boundDrift(drift time.Duration) time.Duration {
	return max(-freshness.MaxDrift, min(drift, freshness.MaxDrift))
}

// need is what a caller's wish means for tokens at some moment.
type need uint8

const (
	needNothing need = iota // hand them out
	needSoon                // hand them out, and refresh behind
	needNow                 // refresh first
)

// need says what has to happen before tokens can be handed out.
func (s *snapshot) need(now time.Time, want FetchOption) need {
	return needOf(&s.clock, now, want.force, want.minimum)
}

// minimumShare bounds MinValidity, which counts up to nine tenths of a life.
const minimumShare = 10

// needOf says what has to happen before something can be handed out. What is due is
// as good as any until it expires, so that only a caller who finds it expired, or
// who asks for more, has to wait.
func needOf(w *freshness.Window, now time.Time, force bool, minimum time.Duration) need {
	if force {
		return needNow
	}
	left := w.Left(now)
	least := min(minimum, w.Life-w.Life/minimumShare)
	switch {
	case left <= 0 || left < least:
		return needNow
	case !w.Fresh(now):
		return needSoon
	}
	return needNothing
}

// tokenPair is a record's tokens, decoded.
type tokenPair struct {
	access, id *jwt.Unverified
	issued     time.Time     // the access token's iat, by the service's clock
	life       time.Duration // from issued to the first expiry
}

// newSnapshot reads a record. now is when, for records from a store; the
// window of tokens just received is passed by the refresh.
func (c *Client) newSnapshot(r store.Record, kept uint64, now time.Time, fresh *freshness.Window) *snapshot {
	s := &snapshot{record: r, kept: kept, readAt: now}
	s.session.username, s.session.sub, s.session.drift = r.Account.Username, r.Sub, r.Drift
	switch {
	case r.Tokens != nil && r.Ended == nil:
		c.readTokens(s, now, fresh)
	case s.expired():
		expired := ended(r.Ended.Reason, r.Ended.Detail)
		s.session = Session{drift: r.Drift, subErr: expired, tokensErr: expired}
	default:
		out := fault("FetchSession", ErrSignedOut, hintSignIn)
		s.session = Session{drift: r.Drift, subErr: out, tokensErr: out}
		s.guest = store.Record{Account: c.guestAccount()} // see loadGuest
	}
	c.identityFacets(s, now, nil)
	return s
}

// readTokens fills in a live session. Tokens that cannot be read count as
// expired: a refresh replaces them.
func (c *Client) readTokens(s *snapshot, now time.Time, fresh *freshness.Window) {
	s.session.signedIn = true
	pair, err := decodePair(s.record.Tokens.Access.Reveal(), s.record.Tokens.ID.Reveal())
	if err != nil {
		s.session.tokensErr = &Error{Op: "FetchSession", Kind: ErrStore, Message: "the stored tokens cannot be read", Err: err}
		s.clock = freshness.Window{Base: now}
		return
	}
	if s.clock = freshness.Tokens(now, s.record.Tokens.ReceivedAt, pair.issued, pair.life, s.record.Drift, c.cfg.RefreshAhead); fresh != nil {
		s.clock = *fresh
	}
	s.session.tokens = Tokens{Access: pair.access, ID: pair.id, Expiry: s.clock.End()}
}
