package jwt

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// When keys are fetched.
const (
	// minInterval and maxInterval bound what the server's max-age may ask for;
	// without max-age the keys are fetched anew after minInterval.
	minInterval = 5 * time.Minute
	maxInterval = 24 * time.Hour
	// keepFailing is for how long after they were due the last good keys serve
	// while fetching fails.
	keepFailing = 24 * time.Hour
	// retryFailed is how long a failed background refresh waits for the next.
	retryFailed = time.Minute
	// cooldown is the least time between two fetches for unknown key ids, so that
	// made-up ids cannot make this process flood the issuer.
	cooldown = 10 * time.Second
	// firstRetry replaces cooldown after the first failure while there are no keys
	// at all: a service and its issuer are often started together. Both pauses begin
	// when a failed fetch ends, because a hanging issuer may take longer than the pause.
	firstRetry = 2 * time.Second
	// fetchTimeout bounds one fetch.
	fetchTimeout = 10 * time.Second
)

// RemoteOptions are the options of [NewRemoteKeys]. The zero value is useful.
type RemoteOptions struct {
	// HTTPClient makes the requests. Its transport is used as it is; redirects are
	// not followed and cookies not kept, whatever it says. Nil means a client
	// that opens a connection for each fetch and leaves none open.
	HTTPClient *http.Client
	// OnError is called after each failed fetch, from the goroutine that fetched:
	// while old keys still serve, nothing else would tell. It must not block. A panic
	// of HTTPClient's transport is an error too: see [PanicError].
	OnError func(error)
	// FailurePause is the least time between a failed fetch and the next one for an
	// unknown key id; until then Key fails with that fetch's error. The default is
	// 10 seconds, and 2 seconds after the first failure while there are no keys.
	FailurePause time.Duration
	// InsecureHTTP accepts an http URL of any host. Everyone on the network path can
	// then replace the keys and sign tokens.
	InsecureHTTP bool
}

// RemoteKeys are the keys that an issuer publishes at a URL, kept for speed. It
// implements [KeySource]. Make it with [NewRemoteKeys]; the zero value only returns
// errors of kind [ErrKeysUnavailable].
//
// Keys are fetched when the first token needs one, and again after five minutes,
// or after the server's max-age (between five minutes and a day). That refresh
// runs behind the call that finds it due: known keys are always answered at once,
// from the last set. A new set replaces the old one; it is never merged, so a key
// that the issuer withdrew is refused after the next refresh. When fetching fails,
// the last good set serves for 24 hours more.
//
// An unknown key id causes one fetch, which all callers with unknown ids wait
// for, at most every 10 seconds; in between it is refused at once. After a failed
// fetch the next one waits for 10 seconds from its end, or for FailurePause.
//
// Nothing runs between calls: there is no ticker and nothing to close. A fetch is
// one goroutine that ends after 10 seconds at the latest. The price is that the
// first call after an idle time is answered from the set of before; where that is
// too long, call Refresh.
type RemoteKeys struct {
	url     string
	client  *http.Client
	onError func(error)
	pause   time.Duration // RemoteOptions.FailurePause
	current atomic.Pointer[snapshot]

	mu        sync.Mutex
	flight    *flight   // the fetch that is under way
	attempted time.Time // start of the last fetch, or its end if it failed
	failures  int       // in a row
	failure   error     // of the last fetch
}

// snapshot is a key set and its age. It is immutable.
type snapshot struct {
	set     *KeySet
	fetched time.Time
	due     time.Duration // age at which to fetch anew
	end     time.Duration // age at which the keys are no longer used
}

// flight is a fetch that several callers may wait for.
type flight struct {
	done chan struct{}
	err  error // valid once done is closed
}

// NewRemoteKeys returns the keys at url, usually the issuer followed by
// "/.well-known/jwks.json". It does not use the network yet. The URL must be https;
// http is accepted for the loopback interface only (see RemoteOptions.InsecureHTTP),
// because an attacker who can change the answer can sign tokens. A document is bounded and checked as by [ParseKeys].
func NewRemoteKeys(url string, opts ...func(*RemoteOptions)) (*RemoteKeys, error) {
	var options RemoteOptions
	for _, set := range opts {
		set(&options)
	}
	if err := checkURL("key", url, options.InsecureHTTP); err != nil {
		return nil, err
	}
	return &RemoteKeys{url: url, client: safeClient(options.HTTPClient), onError: options.OnError, pause: options.FailurePause}, nil
}

var errZeroKeys = errors.New("the RemoteKeys were not made by NewRemoteKeys")

// Key returns the key with this id. See [RemoteKeys] for when it waits; ctx bounds
// the waiting. The error is of kind [ErrUnknownKey], or of kind [ErrKeysUnavailable]
// when the last fetch failed or ctx ended.
func (r *RemoteKeys) Key(ctx context.Context, keyID string) (*rsa.PublicKey, error) {
	if !r.made() {
		return nil, unavailable(errZeroKeys)
	}
	now := time.Now()
	if key := r.known(keyID, now); key != nil {
		return key, nil
	}
	if f := r.join(now, false); f != nil {
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
		if key := r.known(keyID, time.Now()); key != nil {
			return key, nil
		}
	}
	return nil, r.missing(ctx, keyID)
}

// made reports whether NewRemoteKeys made r.
func (r *RemoteKeys) made() bool { return r != nil && r.client != nil }

// Refresh fetches the keys now, or waits for the fetch that is under way: at the
// start of a program, so that the first token need not wait, or when a key is
// known to have been withdrawn.
func (r *RemoteKeys) Refresh(ctx context.Context) error {
	if !r.made() {
		return unavailable(errZeroKeys)
	}
	f := r.join(time.Now(), true)
	if err := f.wait(ctx); err != nil {
		return err
	}
	if f.err != nil {
		return unavailable(f.err)
	}
	return nil
}

// known answers from the current set, without waiting and without a lock.
func (r *RemoteKeys) known(keyID string, now time.Time) *rsa.PublicKey {
	s := r.current.Load()
	if s == nil {
		return nil
	}
	age := s.age(now)
	if age >= s.end {
		return nil
	}
	key := s.set.keys[keyID]
	// Who moves the due time on starts the refresh; all others pass by.
	if age >= s.due && key != nil && r.current.CompareAndSwap(s, s.postponed(age)) {
		r.join(now, true)
	}
	return key
}

// missing explains why there is no such key.
func (r *RemoteKeys) missing(ctx context.Context, keyID string) error {
	r.mu.Lock()
	failure := r.failure
	r.mu.Unlock()
	if failure != nil {
		return unavailable(failure)
	}
	s := r.current.Load()
	if s == nil {
		return unavailable(errors.New("the first fetch has not ended"))
	}
	_, err := s.set.Key(ctx, keyID)
	if err == nil {
		return unavailable(errors.New("the keys are too old"))
	}
	return err
}

// unavailable says that nothing could be found out; it must not look like a refusal.
func unavailable(cause error) *Error {
	return &Error{Kind: ErrKeysUnavailable, Err: cause}
}

// age is how old the snapshot is by the clock that says more: the monotonic clock
// stops while a machine sleeps, and the wall clock can be set back.
func (s *snapshot) age(now time.Time) time.Duration {
	return max(now.Sub(s.fetched), now.Round(0).Sub(s.fetched.Round(0)))
}

// postponed is the same set, due later: the refresh that is about to start may fail.
func (s *snapshot) postponed(age time.Duration) *snapshot {
	later := *s
	later.due = age + retryFailed
	return &later
}

// join is the only place that starts a fetch, under the lock, so that there is never
// more than one. It returns the fetch under way, or starts one. Unless it must, it returns nil
// while the last one is too recent.
func (r *RemoteKeys) join(now time.Time, must bool) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight != nil {
		return r.flight
	}
	if !must && !r.attempted.IsZero() && now.Sub(r.attempted) < r.interval() {
		return nil
	}
	r.attempted = now
	r.flight = &flight{done: make(chan struct{})}
	go r.fetch(r.flight)
	return r.flight
}

// interval is the least time between the last fetch and one for an unknown key id.
func (r *RemoteKeys) interval() time.Duration {
	switch {
	case r.failures > 0 && r.pause > 0:
		return r.pause
	case r.failures == 1 && r.current.Load() == nil:
		return firstRetry
	}
	return cooldown
}

// wait returns when the fetch has ended, well or not, or when ctx has.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return unavailable(context.Cause(ctx))
	}
}

// fetch gets a new set. It is not bound to the caller that started it: others may
// be waiting for it, and its result serves all. The transport is foreign code: it may
// panic, or end the goroutine with runtime.Goexit.
func (r *RemoteKeys) fetch(f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	var set *KeySet
	var interval time.Duration
	err := errGoexit
	defer func() { r.finish(f, set, interval, err) }()
	defer func() {
		if err != nil {
			report(r.onError, err)
		}
	}()
	panicked := protect(func() error {
		set, interval, err = r.download(ctx)
		return nil
	})
	if panicked != nil {
		err = fmt.Errorf("jwt: fetching keys: %w", panicked)
	}
}

// finish notes the result of a fetch and releases those who wait for it.
func (r *RemoteKeys) finish(f *flight, set *KeySet, interval time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flight, r.failure, f.err = nil, err, err
	if err != nil {
		r.failures++
		r.attempted = time.Now()
	} else {
		r.failures = 0
		r.current.Store(&snapshot{set: set, fetched: time.Now(), due: interval, end: interval + keepFailing})
	}
	close(f.done)
}
