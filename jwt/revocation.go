package jwt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// SessionRef is what a token says of its session.
type SessionRef struct {
	Subject  string    // sub
	OriginID string    // origin_jti, "" where the token has none
	EventID  string    // event_id, "" where the token has none
	IssuedAt time.Time // iat
}

// SessionRef is what the claims say of the token's session.
func (c Claims) SessionRef() SessionRef {
	return SessionRef{Subject: c.Subject(), OriginID: c.OriginID(), EventID: c.EventID(), IssuedAt: c.IssuedAt()}
}

// RevocationSource knows which sessions have ended. It must be safe for
// concurrent use. [FollowRevocations] is one.
type RevocationSource interface {
	// Revoked reports whether the session of a good token has ended. An error means
	// that nothing could be found out, and the token is refused as
	// [ErrRevocationsUnavailable], or as the error says if it is an [*Error].
	//
	// It is called for every token, also for remembered ones: it should not
	// block.
	Revoked(ctx context.Context, token SessionRef) (bool, error)
}

// WhenStale says what becomes of tokens while the feed of revocations cannot be
// followed.
type WhenStale int

const (
	// FailClosed refuses them with [ErrRevocationsUnavailable].
	FailClosed WhenStale = iota
	// FailOpen accepts them, unless their revocation is known already.
	FailOpen
)

const (
	defaultMaxStale   = 30 * time.Second
	minMaxStale       = 15 * time.Second
	defaultMaxRevoked = 1 << 20
)

// RevocationOptions are the options of [FollowRevocations].
type RevocationOptions struct {
	// HTTPClient makes the requests. Its transport is used as it is; its Timeout is
	// not, since a stream has no end, redirects are not followed and cookies not
	// kept. Nil means a client of the follower's own.
	HTTPClient *http.Client
	// WhenStale says what to do when the feed has not been heard for MaxStale, and
	// before it was heard for the first time. Default FailClosed.
	WhenStale WhenStale
	// MaxStale is how long the feed may be silent before what is known counts as
	// stale. A feed that works is never silent for more than ten seconds. Default
	// 30 seconds; at least 15.
	MaxStale time.Duration
	// OnError is called after each attempt that failed, from the follower's
	// goroutine. Once what is known is stale the error matches
	// [ErrRevocationsUnavailable]. It must not block. FailOpen demands it:
	// nothing else would tell.
	OnError func(error)
	// MaxIDs bounds the memory: a session that ended takes one id of about 100
	// bytes until its tokens have expired. Of a user whose sessions end again and
	// again the feed names only the sessions that go on, and the last few hundred
	// that ended. A feed with more than MaxIDs counts as one that fails. Default
	// 1<<20.
	MaxIDs int
}

func (o *RevocationOptions) check() error {
	if o.MaxStale == 0 {
		o.MaxStale = defaultMaxStale
	}
	if o.MaxIDs == 0 {
		o.MaxIDs = defaultMaxRevoked
	}
	switch {
	case o.MaxStale < minMaxStale:
		return fmt.Errorf("a MaxStale of %v is less than %v", o.MaxStale, minMaxStale)
	case o.MaxIDs < 0:
		return fmt.Errorf("a MaxIDs of %d is negative", o.MaxIDs)
	case o.WhenStale != FailClosed && o.WhenStale != FailOpen:
		return fmt.Errorf("WhenStale is %d; choose FailClosed or FailOpen", o.WhenStale)
	case o.WhenStale == FailOpen && o.OnError == nil:
		return errors.New("WhenStale is FailOpen and OnError is nil; set it, or nobody learns that revoked tokens pass")
	}
	return nil
}

// Revocations are the sessions of an issuer that have ended, from its feed.
// They implement [RevocationSource]: asking takes no lock and allocates nothing. Make
// them with [FollowRevocations]; the zero value follows nothing, and only returns
// errors of kind [ErrRevocationsUnavailable].
//
// One goroutine follows the feed over one connection, as server-sent events or,
// where those do not come through, by requests that wait. After an interruption
// it goes on from where it was. It tries again after at most five seconds, and
// after a random time, so that not all followers come back at once.
type Revocations struct {
	url     string
	client  *http.Client
	options RevocationOptions
	ended   endedSessions
	heard   atomic.Pointer[time.Time] // when all that had ended by then was known
	ready   chan struct{}             // closed when heard is first set
	once    sync.Once
	cancel  context.CancelFunc
	done    chan struct{}

	// Of the follower's goroutine alone.
	next  int64 // where in the feed it is
	sweep time.Time
}

// FollowRevocations begins to follow the feed at issuer +
// "/.well-known/revocations", which Latchkey's service has for each pool and
// Cognito has not. The URL must be https; http is accepted for the loopback
// interface only.
//
// It returns at once. Until the feed was read for the first time, tokens fail as
// WhenStale says: wait for Ready before serving. Call Stop at the end.
func FollowRevocations(issuer string, opts ...func(*RevocationOptions)) (*Revocations, error) {
	url := strings.TrimSuffix(issuer, "/") + "/.well-known/revocations"
	if err := checkURL("revocation feed", url, false); err != nil {
		return nil, err
	}
	r := &Revocations{url: url, ready: make(chan struct{}), done: make(chan struct{})}
	for _, opt := range opts {
		opt(&r.options)
	}
	if err := r.options.check(); err != nil {
		return nil, fmt.Errorf("jwt: revocations: %w", err)
	}
	r.client = safeClient(r.options.HTTPClient)
	r.client.Timeout = 0
	r.ended.init(r.options.MaxIDs)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go r.run(ctx)
	return r, nil
}

var errZeroRevocations = &Error{Kind: ErrRevocationsUnavailable, Detail: "the Revocations were not made by FollowRevocations"}

// made reports whether FollowRevocations made r.
func (r *Revocations) made() bool { return r != nil && r.client != nil }

// Ready waits until the feed was read to its end for the first time. Its error
// is of kind [ErrRevocationsUnavailable].
func (r *Revocations) Ready(ctx context.Context) error {
	if !r.made() {
		return errZeroRevocations
	}
	select {
	case <-r.ready:
		return nil
	case <-ctx.Done():
		return &Error{Kind: ErrRevocationsUnavailable, Err: context.Cause(ctx)}
	case <-r.done:
		return &Error{Kind: ErrRevocationsUnavailable, Detail: "the follower was stopped"}
	}
}

// Stop ends the follower and waits until it has ended. What is known becomes stale.
func (r *Revocations) Stop() {
	if !r.made() {
		return
	}
	r.cancel()
	<-r.done
}

// Revoked reports whether the session of a token has ended. What is known to have
// ended is reported however old that knowledge is; the error, of kind
// [ErrRevocationsUnavailable], comes only with [FailClosed].
func (r *Revocations) Revoked(_ context.Context, token SessionRef) (bool, error) {
	if !r.made() {
		return false, errZeroRevocations
	}
	if r.ended.has(token) {
		return true, nil
	}
	if r.options.WhenStale == FailClosed && r.stale() {
		return false, &Error{Kind: ErrRevocationsUnavailable, Detail: "the feed was not heard for " + r.options.MaxStale.String()}
	}
	return false, nil
}

// stale goes by the clock that says more, like the age of keys: the monotonic
// clock stops while a machine sleeps, and the wall clock can be set back.
func (r *Revocations) stale() bool {
	heard := r.heard.Load()
	if heard == nil {
		return true
	}
	now := time.Now()
	return max(now.Sub(*heard), now.Round(0).Sub(heard.Round(0))) > r.options.MaxStale
}

// current notes that everything is known at this moment.
func (r *Revocations) current() {
	now := time.Now()
	r.heard.Store(&now)
	r.once.Do(func() { close(r.ready) })
	r.forget(now)
}

// forget drops what no token can refer to any more, once a minute.
func (r *Revocations) forget(now time.Time) {
	if now.Before(r.sweep) {
		return
	}
	r.sweep = now.Add(time.Minute)
	r.ended.forget(now.Add(-maxLeeway).Unix())
}

// apply takes over a page of the feed.
func (r *Revocations) apply(p *feedPage) error {
	if p.next < r.next || p.more && p.next == r.next {
		return fmt.Errorf("the feed goes back from %d to %d", r.next, p.next)
	}
	for i := range p.entries {
		if !r.ended.add(&p.entries[i]) {
			r.forget(time.Now())
			return fmt.Errorf("more than %d ids of sessions are in the feed; raise MaxIDs", r.options.MaxIDs)
		}
	}
	r.next = p.next
	return nil
}
