package latchkey

import (
	"math/rand/v2"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// snapshot is what the client knows, made once and never changed: FetchSession
// reads it without a lock.
type snapshot struct {
	epoch   uint64 // of the client when this became the active session
	record  store.Record
	session Session
	clock   validity // of the tokens
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
	asks      bool     // the identity pool can be asked for this session
	wallet    validity // of the credentials; zero without any

	// hot and purse are what the hot paths of FetchSession and FetchCredentials go
	// by: until when all that they hand out is fresh; see ripen.
	hot, purse validity
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

// validity says when tokens are due and when they expire, on two clocks. The
// wall clock sees a suspended machine sleep, the monotonic one is not moved by
// whoever sets the clock; the earlier of the two counts.
type validity struct {
	base                time.Time // carries a monotonic reading
	due, expiry         time.Duration
	dueWall, expiryWall int64 // Unix nanoseconds
	life, margin        time.Duration
}

// fresh reports whether tokens can be handed out without a thought. It is the
// hot path: two comparisons.
func (v *validity) fresh(now time.Time) bool {
	return now.UnixNano() < v.dueWall && now.Sub(v.base) < v.due
}

// untilDue is how long the tokens are fresh for.
func (v *validity) untilDue(now time.Time) time.Duration {
	return min(v.due-now.Sub(v.base), time.Duration(v.dueWall-now.UnixNano()))
}

// left is how long the tokens remain usable.
func (v *validity) left(now time.Time) time.Duration {
	return min(v.expiry-now.Sub(v.base), time.Duration(v.expiryWall-now.UnixNano()))
}

// Bounds of when tokens are due. Cognito's access tokens live from five minutes
// to a day, and for an hour unless the pool says otherwise.
const (
	maxAhead     = 5 * time.Minute
	maxMargin    = 5 * time.Second // a token that expires on its way is of no use
	maxDrift     = 24 * time.Hour
	clockSlack   = 2 * time.Minute // how far a clock may be set back before it is mistrusted
	jitterShare  = 10              // a refresh comes up to a tenth of its margin later
	minimumShare = 10              // MinValidity counts up to nine tenths of a life
)

// newValidity makes the validity of tokens that live for life in all and of
// which remaining is left at base. ahead is Config.RefreshAhead.
func newValidity(base time.Time, life, remaining, ahead time.Duration) validity {
	remaining = min(remaining, life)
	if ahead == 0 {
		ahead = min(maxAhead, life/10)
	}
	// More than half a life ahead, and a client would do little but refresh.
	ahead = min(ahead, life/2)
	// Clients that started together must not come back together.
	if share := int64(ahead / jitterShare); share > 0 {
		ahead -= time.Duration(rand.Int64N(share))
	}
	margin := min(maxMargin, life/20)
	expiry := remaining - margin
	due := min(remaining-ahead, expiry)
	wall := base.UnixNano()
	return validity{
		base: base, due: due, expiry: expiry, life: life, margin: margin,
		dueWall: wall + int64(due), expiryWall: wall + int64(expiry),
	}
}

// storedValidity judges tokens that were read from a store. Their age is known
// by the wall clock alone, which may have been set since: if it reads earlier
// than when they were received, they count as due, and one refresh finds out.
func storedValidity(now time.Time, r store.Record, p tokenPair, ahead time.Duration) validity {
	received := r.Tokens.ReceivedAt
	expires := p.expires.Add(-r.Drift)
	if wild(r.Drift) && !received.IsZero() {
		expires = received.Add(p.life)
	}
	remaining := time.Unix(0, expires.UnixNano()).Sub(now.Round(0))
	v := newValidity(now, p.life, remaining, ahead)
	if now.Round(0).Before(received.Add(-clockSlack)) || remaining > p.life+clockSlack {
		v.due, v.dueWall = 0, 0
	}
	return v
}

// wild reports whether a drift is too large to reckon with.
func wild(drift time.Duration) bool { return drift >= maxDrift || drift <= -maxDrift }

// boundDrift is the service's clock minus ours, at most a day either way.
// Whoever finds a day there must reckon by the time of receipt instead.
func boundDrift(drift time.Duration) time.Duration { return max(-maxDrift, min(drift, maxDrift)) }

// need is what a caller's wish means for tokens at some moment.
type need uint8

const (
	needNothing need = iota // hand them out
	needSoon                // hand them out, and refresh behind
	needNow                 // refresh first
)

// need says what has to happen before tokens can be handed out.
func (s *snapshot) need(now time.Time, want FetchOption) need {
	return s.clock.need(now, want.force, want.minimum)
}

// need says what has to happen before something can be handed out. What is due is
// as good as any until it expires, so that only a caller who finds it expired, or
// who asks for more, has to wait.
func (v *validity) need(now time.Time, force bool, minimum time.Duration) need {
	if force {
		return needNow
	}
	left := v.left(now)
	least := min(minimum, v.life-v.life/minimumShare)
	switch {
	case left <= 0 || left < least:
		return needNow
	case !v.fresh(now):
		return needSoon
	}
	return needNothing
}

// tokenPair is a record's tokens, decoded.
type tokenPair struct {
	access, id *jwt.Unverified
	expires    time.Time     // the first expiry, by the service's clock
	life       time.Duration // from the access token's iat to expires
}

// newSnapshot reads a record. now is when, for records from a store; the
// validity of tokens just received is passed by the refresh.
func (c *Client) newSnapshot(r store.Record, kept uint64, now time.Time, fresh *validity) *snapshot {
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
func (c *Client) readTokens(s *snapshot, now time.Time, fresh *validity) {
	s.session.signedIn = true
	pair, err := decodePair(s.record.Tokens.Access.Reveal(), s.record.Tokens.ID.Reveal())
	if err != nil {
		s.session.tokensErr = &Error{Op: "FetchSession", Kind: ErrStore, Message: "the stored tokens cannot be read", Err: err}
		s.clock = validity{base: now}
		return
	}
	if s.clock = storedValidity(now, s.record, pair, c.cfg.RefreshAhead); fresh != nil {
		s.clock = *fresh
	}
	s.session.tokens = Tokens{Access: pair.access, ID: pair.id, Expiry: time.Unix(0, s.clock.expiryWall+int64(s.clock.margin))}
}
