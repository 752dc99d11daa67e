// Package expiry reckons how long tokens and AWS credentials can be used: when
// they are due to be renewed, and when they have expired.
//
// A [Window] is made of what a service has just issued ([New]) or of what was read
// from a store ([Stored], [Tokens], [Credentials]). It is looked at with a time that carries
// a monotonic reading, because each of the two clocks misses something: the
// monotonic one a machine's sleep, the wall clock that somebody sets it back.
package expiry

import (
	"math/rand/v2"
	"time"
)

// MaxLife bounds what is reckoned with. Cognito's access tokens live for a day at
// most.
const MaxLife = 366 * 24 * time.Hour

// MaxDrift bounds how far the service's clock and this machine's can be apart, at
// most a day either way, for one to be reckoned by the other.
const MaxDrift = 24 * time.Hour

// Slack is how far a clock may be set back before it is mistrusted.
const Slack = 2 * time.Minute

// Bounds of when something is due. Cognito's access tokens live from five minutes
// to a day, and for an hour unless the pool says otherwise.
const (
	maxAhead    = 5 * time.Minute
	maxMargin   = 5 * time.Second // what expires on its way is of no use
	jitterShare = 10              // it is due up to a tenth of its margin later
)

// Window is the time that something can be used in, on two clocks, the earlier of
// which counts. The zero Window has expired.
type Window struct {
	Base                time.Time     // when it was made; carries a monotonic reading
	Due, Expiry         time.Duration // since Base
	DueWall, ExpiryWall int64         // Unix nanoseconds
	Life, Margin        time.Duration // the whole life, and how long before its end it counts as expired
}

// New makes the Window of what lives for life in all, of which remaining is left at
// base. ahead is how long before its end it is due; 0 stands for five minutes or a
// tenth of its life, whichever is less, and more than half a life counts as half.
func New(base time.Time, life, remaining, ahead time.Duration) Window {
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
	return Window{
		Base: base, Due: due, Expiry: expiry, Life: life, Margin: margin,
		DueWall: wall + int64(due), ExpiryWall: wall + int64(expiry),
	}
}

// Stored makes the Window of what was read from a store at now: received when, and
// expiring when, by this machine's clock. Its age is known by the wall clock alone,
// which may have been set since: if it reads earlier than when the thing was
// received, it counts as due, and one renewal finds out.
func Stored(now, received, expires time.Time, life, ahead time.Duration) Window {
	remaining := time.Unix(0, expires.UnixNano()).Sub(now.Round(0))
	w := New(now, life, remaining, ahead)
	if now.Round(0).Before(received.Add(-Slack)) || remaining > life+Slack {
		w.Due, w.DueWall = 0, 0
	}
	return w
}

// Life is the life of tokens that are used together, by their claims: from the iat of
// one to the first exp of all, at most MaxLife. It reports false when these make no
// sense.
func Life(issued time.Time, expires ...time.Time) (life time.Duration, ok bool) {
	life = MaxLife
	for _, end := range expires {
		life = min(life, end.Sub(issued))
	}
	return life, !issued.IsZero() && len(expires) > 0 && life > 0
}

// Tokens is Stored for tokens that live for life from issued on, by the service's
// clock, which is drift ahead of this machine's. A drift out of all bounds is not
// reckoned with, but the time of receipt.
func Tokens(now, received, issued time.Time, life, drift, ahead time.Duration) Window {
	expires := issued.Add(life - drift)
	if wild := drift >= MaxDrift || drift <= -MaxDrift; wild && !received.IsZero() {
		expires = received.Add(life)
	}
	return Stored(now, received, expires, life, ahead)
}

// Bounds of the life of AWS credentials. STS issues them for twelve hours at most, and
// an identity pool for one hour unless it is set otherwise.
const (
	maxCredentialsLife   = 12 * time.Hour
	usualCredentialsLife = time.Hour
)

// PlausibleLife reports whether AWS credentials can have a life of that length. It
// allows Slack for the inaccuracy of clocks.
func PlausibleLife(life time.Duration) bool { return life > 0 && life <= maxCredentialsLife+Slack }

// CredentialsLife bounds the life of AWS credentials: one that cannot be, as where a
// clock is wrong, counts as one hour.
func CredentialsLife(life time.Duration) time.Duration {
	if !PlausibleLife(life) {
		return usualCredentialsLife
	}
	return min(life, maxCredentialsLife)
}

// CredentialsEnd is when stored AWS credentials expire: a life that is too long to be true
// ends after an hour. received is zero in records that do not say when they came.
func CredentialsEnd(received, expires time.Time) time.Time {
	if life := expires.Sub(received); !received.IsZero() && life > maxCredentialsLife+Slack {
		return received.Add(usualCredentialsLife)
	}
	return expires
}

// Credentials is Stored for AWS credentials, which do not tell their life. Where that is
// too long to be true they are due at once; if they do not say either when they came, they
// have expired.
func Credentials(now, received, expires time.Time, ahead time.Duration) Window {
	end := CredentialsEnd(received, expires)
	life := end.Sub(now.Round(0))
	if !received.IsZero() {
		life = end.Sub(received)
	}
	if !PlausibleLife(life) {
		return Window{Base: now}
	}
	w := Stored(now, received, end, life, ahead)
	if !end.Equal(expires) {
		w.Due, w.DueWall = 0, 0
	}
	return w
}

// Fresh reports whether it can be handed out without a thought. It is the hot path:
// two comparisons.
func (w *Window) Fresh(now time.Time) bool {
	return now.UnixNano() < w.DueWall && now.Sub(w.Base) < w.Due
}

// UntilDue is how long it is fresh for.
func (w *Window) UntilDue(now time.Time) time.Duration {
	return min(w.Due-now.Sub(w.Base), time.Duration(w.DueWall-now.UnixNano()))
}

// Left is how long it remains usable; zero or less when it has expired.
func (w *Window) Left(now time.Time) time.Duration {
	return min(w.Expiry-now.Sub(w.Base), time.Duration(w.ExpiryWall-now.UnixNano()))
}

// Age is how long before now the life began that the Window is part of, by the clock
// that says more, and at most the whole life.
func (w *Window) Age(now time.Time) time.Duration {
	return max(0, min(w.Life-w.Left(now)-w.Margin, w.Life))
}

// End is when it expires, by the wall clock and without the margin.
func (w *Window) End() time.Time { return time.Unix(0, w.ExpiryWall+int64(w.Margin)) }

// Earlier is w, due as soon as either of the two is.
func (w Window) Earlier(other Window) Window {
	w.Due = min(w.Due, other.Due+other.Base.Sub(w.Base))
	w.DueWall = min(w.DueWall, other.DueWall)
	return w
}

// BoundDrift limits a drift to MaxDrift either way. A drift at the limit means that
// much or more: the time of receipt counts then.
func BoundDrift(drift time.Duration) time.Duration { return max(-MaxDrift, min(drift, MaxDrift)) }
