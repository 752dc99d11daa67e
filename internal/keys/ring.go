// Package keys makes the signing keys of user pools and identity pools, signs with them,
// publishes and rotates them.
//
// A user pool signs ID tokens with one RSA-2048 key and access tokens with
// another, as Cognito does; its JWKS shows both. An identity pool has ID tokens
// only. The private keys are in storage, sealed
// with a key that is not there ([seal.Box]); the [Ring] opens them once and
// then works from a snapshot in memory:
//
//	                   storage.Keys (sealed)
//	                     │ read at first use, after a rotation, and now and then
//	                     ▼
//	Signer, SignAll ── snapshot ── JWKS, Public
//	   │
//	   ▼ a bounded number at once
//
// # Rotation without a refused token
//
// A key has three times, which are fixed when it is made or replaced:
//
//	CreatedAt            ActiveAt                          RetireAt
//	    │  in the JWKS      │  signs                │  in the JWKS  │
//	    ├───────────────────┼───────────────────────┼───────────────┤
//	     Options.PublishAhead   until its successor    Options.Keep
//
// A verifier that fetched the JWKS before it had the key has fetched it again when the key
// begins to sign, and finds the key of each token until the token expires. Processes on one
// database read its keys again every twentieth of PublishAhead, at most every 30 s, and so see
// rotations by the others. Both spans are longer than the options by twice that time.
package keys

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/latchkey-auth/latchkey/internal/outcall"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Use is what a key signs: the value of [storage.Key.Use].
type Use string

// The two uses. A pool has one active key for each that it has at all.
const (
	ID     Use = "id"
	Access Use = "access"
)

var uses = [...]Use{ID, Access}

// Options configures a [Ring]. With zero Options, keys rotate only by [Ring.Rotate].
type Options struct {
	// Workers is how many signatures are made at once; default GOMAXPROCS, and 64 with
	// a Signer, which mostly waits. Fewer leave room for other requests during a storm of
	// refreshes.
	Workers int
	// PublishAhead is how long a new key is in the JWKS before it signs: at
	// least as long as verifiers keep a JWKS. Default 1 h.
	PublishAhead time.Duration
	// Keep is how long a key stays in the JWKS after its successor took over:
	// at least the longest life of an ID or access token. Default 24 h, which
	// is the longest that Cognito allows.
	Keep time.Duration
	// MaxAge is the age at which RotateDue replaces a key; 0 for never.
	MaxAge time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Signer makes new keys and signs with them; nil keeps private keys in storage.
	// Keys that are in storage already sign until they are replaced.
	Signer plug.Signer
	// Sign makes the signatures of keys in storage; default PKCS #1 v1.5 by crypto/rsa.
	Sign SignFunc
	// Generate makes the private keys; default RSA-2048 by crypto/rsa. Tests
	// give out keys that were made before.
	Generate func() (*rsa.PrivateKey, error)
	// Warn is called with the error when the keys of a pool could not be read again and those
	// in memory stay in use; default: errors are dropped.
	Warn func(error)
}

const keySize = 2048 // bits, as Cognito's keys

// loadTimeout bounds one reading of a pool's keys.
const loadTimeout = 10 * time.Second

// retryAfter is how long after a failed reading the next one is tried, while
// the last snapshot stays in use.
const retryAfter = time.Second

// Ring holds the signing keys of all pools of a service. It is safe for
// concurrent use.
type Ring struct {
	store   storage.Store
	box     *seal.Box
	options Options

	pools    sync.Map // pool id → *snapshot
	flight   singleflight.Group
	sequence atomic.Uint64
	publish  sync.Mutex // orders what is put in pools

	places  chan struct{}   // taken by those who sign
	calls   *outcall.Calls  // of Options.Signer
	closing context.Context // ends with Close
	stop    context.CancelFunc
	drain   sync.Once
}

// NewRing returns a Ring over store, whose private keys box opens.
func NewRing(store storage.Store, box *seal.Box, o Options) *Ring {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
		if o.Signer != nil {
			o.Workers = max(o.Workers, externalWorkers)
		}
	}
	if o.PublishAhead <= 0 {
		o.PublishAhead = time.Hour
	}
	if o.Keep <= 0 {
		o.Keep = 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sign == nil {
		o.Sign = signPKCS1v15
	}
	if o.Generate == nil {
		o.Generate = func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, keySize) }
	}
	r := &Ring{store: store, box: box, options: o, places: make(chan struct{}, o.Workers), calls: outcall.New("the signer", o.Workers, externalTimeout)}
	r.closing, r.stop = context.WithCancel(context.Background())
	return r
}

// Close waits for signatures in progress and stops reading storage. Later calls of Sign fail
// with [ErrClosed]; keys in memory stay readable.
func (r *Ring) Close() error {
	r.drain.Do(func() {
		r.stop()
		for range cap(r.places) {
			r.places <- struct{}{}
		}
	})
	return nil
}

// Create makes the keys of a new pool, one for each use that it names or, when it
// names none, for both. They sign from now on, since no verifier has a JWKS of the pool. Create
// takes a fraction of a second and does not access storage: the caller inserts the keys in the
// transaction that inserts the pool.
func (r *Ring) Create(ctx context.Context, poolID string, named ...Use) ([]storage.Key, error) {
	if len(named) == 0 {
		named = uses[:]
	}
	made := make([]storage.Key, len(named))
	var group errgroup.Group
	for i, use := range named {
		group.Go(func() (err error) {
			made[i], err = r.newKey(ctx, poolID, use)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return made, ctx.Err()
}

// Forget drops the keys of a deleted pool from memory. Without Forget, the Ring drops them when
// it next reads the pool's keys.
func (r *Ring) Forget(poolID string) { r.pools.Delete(poolID) }

// newKey makes a key that is active from now on.
func (r *Ring) newKey(ctx context.Context, poolID string, use Use) (key storage.Key, err error) {
	if r.options.Signer != nil {
		key, err = r.createExternal(ctx, poolID, use)
	} else {
		key, err = r.generate(poolID)
	}
	now := r.now()
	key.Use, key.CreatedAt, key.ActiveAt = string(use), now, now
	return key, err
}

// generate makes a key whose private part is sealed in storage.
func (r *Ring) generate(poolID string) (storage.Key, error) {
	private, err := r.options.Generate()
	if err != nil {
		return storage.Key{}, fmt.Errorf("keys: making a key: %w", err)
	}
	return r.sealKey(poolID, private)
}

// now is the time as storage keeps it.
func (r *Ring) now() time.Time {
	return r.options.Now().UTC().Truncate(time.Microsecond)
}

// reloadEvery is how often the keys of a pool are read again, to see what
// another process did.
func (r *Ring) reloadEvery() time.Duration {
	return max(min(r.options.PublishAhead/20, 30*time.Second), time.Millisecond)
}

// settle is added to spans that begin with a rotation: until the transaction is
// committed, and until every process has read the keys again.
func (r *Ring) settle() time.Duration { return 2 * r.reloadEvery() }

// current returns a pool's snapshot as of now. It is the hot path: one look-up and one
// comparison of times, unless a reading or a change of keys is due.
func (r *Ring) current(ctx context.Context, poolID string) (*snapshot, error) {
	cached, ok := r.pools.Load(poolID)
	if !ok {
		return r.load(ctx, poolID)
	}
	s := cached.(*snapshot)
	now := r.options.Now()
	if now.Before(s.due) {
		return s, nil
	}
	if !s.changes.IsZero() && !now.Before(s.changes) {
		s = r.put(poolID, s.at(now))
	}
	// One caller reads storage again; the others do not wait for it.
	if now.Before(s.reload) || !s.reloading.CompareAndSwap(false, true) {
		return s, nil
	}
	return r.renew(ctx, poolID, s)
}

// renew reads the keys of a pool again. If that fails, the keys in memory stay in use until
// their RetireAt.
func (r *Ring) renew(ctx context.Context, poolID string, s *snapshot) (*snapshot, error) {
	loaded, err := r.load(ctx, poolID)
	if err == nil || errors.Is(err, storage.ErrNotFound) {
		return loaded, err
	}
	if r.options.Warn != nil {
		r.options.Warn(err)
	}
	now := r.options.Now()
	kept := s.at(now)
	kept.postpone(now.Add(retryAfter))
	return r.put(poolID, kept), nil
}

// load reads the keys of a pool, once for all concurrent callers. The end of one caller's
// context does not end the reading.
func (r *Ring) load(ctx context.Context, poolID string) (*snapshot, error) {
	result := r.flight.DoChan(poolID, func() (any, error) {
		ctx, cancel := context.WithTimeout(r.closing, loadTimeout)
		defer cancel()
		return r.read(ctx, poolID)
	})
	select {
	case done := <-result:
		if done.Err != nil {
			return nil, done.Err
		}
		return done.Val.(*snapshot), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// read makes a snapshot of what storage holds now.
func (r *Ring) read(ctx context.Context, poolID string) (*snapshot, error) {
	sequence := r.sequence.Add(1)
	var rows []storage.Key
	err := r.store.View(ctx, func(tx storage.Tx) (err error) {
		rows, err = tx.Keys.List(poolID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("keys: reading the keys of pool %s: %w", poolID, err)
	}
	if len(rows) == 0 {
		r.Forget(poolID)
		return nil, fmt.Errorf("keys: pool %s: signing keys: %w", poolID, storage.ErrNotFound)
	}
	opened, err := r.openKeys(poolID, rows)
	if err != nil {
		return nil, err
	}
	now := r.options.Now()
	s := newSnapshot(r, opened, now)
	s.sequence = sequence
	s.postpone(now.Add(r.reloadEvery()))
	return r.put(poolID, s), nil
}

// put stores s as the snapshot of its pool, unless a stored one was read later, and returns the
// stored one.
func (r *Ring) put(poolID string, s *snapshot) *snapshot {
	r.publish.Lock()
	defer r.publish.Unlock()
	if cached, ok := r.pools.Load(poolID); ok && cached.(*snapshot).sequence > s.sequence {
		return cached.(*snapshot)
	}
	r.pools.Store(poolID, s)
	return s
}
