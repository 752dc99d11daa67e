package keys_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// reserve makes keys ahead of a test: inside a synctest bubble they would be
// made by one goroutine after the other.
func reserve(t *testing.T, count int) func() (*rsa.PrivateKey, error) {
	t.Helper()
	made := make(chan *rsa.PrivateKey, count)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for range count / 2 {
				key, err := smallKey()
				if err != nil {
					t.Error(err)
				}
				made <- key
			}
		})
	}
	group.Wait()
	var mu sync.Mutex
	rest := make([]*rsa.PrivateKey, 0, count)
	for range count {
		rest = append(rest, <-made)
	}
	return func() (*rsa.PrivateKey, error) {
		mu.Lock()
		defer mu.Unlock()
		if len(rest) == 0 {
			return nil, errors.New("test reserved too few keys")
		}
		key := rest[0]
		rest = rest[1:]
		return key, nil
	}
}

// token is what a verifier needs to find the key of a token that is not
// expired.
type token struct {
	keyID   string
	expires time.Time
}

// TestNoTokenRefused rotates all the time in two processes on one database,
// while both sign and verifiers keep the JWKS of either for as long as they
// may.
func TestNoTokenRefused(t *testing.T) {
	t.Parallel()
	generate := reserve(t, 60)
	const ahead, life = 10 * time.Second, 20 * time.Second
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		o := keys.Options{PublishAhead: ahead, Keep: life, Generate: generate}
		rings := []*keys.Ring{newRing(t, store, o), newRing(t, store, o)}
		createPool(t, store, rings[0], poolID)

		// A verifier of each process's JWKS that fetches at every possible
		// phase: one a second, each keeping its set for PublishAhead.
		type verifier struct {
			ring    *keys.Ring
			set     keySet
			fetched time.Time
		}
		var verifiers []*verifier
		var tokens []token
		signers := map[string]bool{}
		start := time.Now()
		for time.Since(start) < 5*time.Minute {
			now := time.Now()
			second := int(now.Sub(start) / time.Second)
			if second < 10 {
				verifiers = append(verifiers, &verifier{ring: rings[0]}, &verifier{ring: rings[1]})
			}
			if second%5 == 3 {
				if err := rings[second%2].Rotate(t.Context(), poolID); err != nil {
					t.Fatal(err)
				}
			}
			for i, use := range []keys.Use{keys.ID, keys.Access} {
				keyID, digest, signature := sign(t, rings[(second+i)%2], use)
				tokens = append(tokens, token{keyID, now.Add(life)})
				signers[keyID] = true
				key, err := rings[second%2].Public(poolID).Key(t.Context(), keyID)
				if err != nil {
					t.Fatal(err)
				}
				if err := (keySet{keyID: key}).verify(keyID, digest, signature); err != nil {
					t.Fatal(err)
				}
			}
			for len(tokens) > 0 && !now.Before(tokens[0].expires) {
				tokens = tokens[1:]
			}
			for _, v := range verifiers {
				if now.Sub(v.fetched) >= ahead {
					v.set, _ = fetch(t, v.ring, poolID)
					v.fetched = now
				}
				for _, token := range tokens {
					if _, ok := v.set[token.keyID]; !ok {
						t.Fatalf("second %d: a token is refused by a verifier that fetched %v ago", second, now.Sub(v.fetched))
					}
				}
			}
			time.Sleep(time.Second)
		}
		if len(signers) < 30 {
			t.Errorf("%d keys signed in five minutes, want more for a test of rotation", len(signers))
		}
		if set, _ := fetch(t, rings[0], poolID); len(set) > 12 {
			t.Errorf("%d keys in the JWKS: old keys do not leave", len(set))
		}
		if rows := storedKeys(t, store, poolID); len(rows) > 16 {
			t.Errorf("%d keys in storage: retired keys are not deleted", len(rows))
		}
	})
}

// TestLifeOfAKey follows one rotation with a clock that stops where something
// changes.
func TestLifeOfAKey(t *testing.T) {
	t.Parallel()
	generate := reserve(t, 8)
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		ring := newRing(t, store, keys.Options{PublishAhead: 100 * time.Minute, Keep: 10 * time.Hour, Generate: generate})
		createPool(t, store, ring, poolID)
		const settle = time.Minute // twice 30 s
		start := time.Now()
		old, _, _ := sign(t, ring, keys.ID)
		if err := ring.Rotate(t.Context(), poolID); err != nil {
			t.Fatal(err)
		}
		if err := ring.Rotate(t.Context(), poolID); err != nil { // a second time: nothing
			t.Fatal(err)
		}
		takesOver := start.Add(100*time.Minute + settle)
		retires := takesOver.Add(10*time.Hour + settle)
		for _, step := range []struct {
			at        time.Time
			published int
			oldSigns  bool
		}{
			{start, 4, true},
			{takesOver.Add(-1), 4, true},
			{takesOver, 4, false},
			{retires.Add(-1), 4, false},
			{retires, 2, false},
			{retires.Add(time.Hour), 2, false},
		} {
			time.Sleep(time.Until(step.at))
			set, _ := fetch(t, ring, poolID)
			if len(set) != step.published {
				t.Errorf("after %v: %d keys published, want %d", step.at.Sub(start), len(set), step.published)
			}
			keyID, digest, signature := sign(t, ring, keys.ID)
			if (keyID == old) != step.oldSigns {
				t.Errorf("after %v: the old key signs: %v, want %v", step.at.Sub(start), keyID == old, step.oldSigns)
			}
			if err := set.verify(keyID, digest, signature); err != nil {
				t.Error(err)
			}
			_, err := ring.Public(poolID).Key(t.Context(), old)
			if gone := errors.Is(err, keys.ErrUnknownKey); gone != (step.published == 2) {
				t.Errorf("after %v: looking up the old key: %v", step.at.Sub(start), err)
			}
		}
		if err := ring.RotateDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := storedKeys(t, store, poolID); len(rows) != 2 {
			t.Errorf("%d keys in storage after RotateDue, want 2", len(rows))
		}
	})
}

func TestRotateDue(t *testing.T) {
	t.Parallel()
	reserved := reserve(t, 24)
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		// As slow as for real keys, so that both processes find a pool due.
		generate := func() (*rsa.PrivateKey, error) {
			time.Sleep(200 * time.Millisecond)
			return reserved()
		}
		o := keys.Options{MaxAge: 30 * day, Generate: generate}
		rings := []*keys.Ring{newRing(t, store, o), newRing(t, store, o)}
		pools := []string{"us-east-1_a", "us-east-1_b", "us-east-1_c"}
		for _, id := range pools {
			createPool(t, store, rings[0], id)
			time.Sleep(5 * day) // so that they come of age one after the other
		}
		due := func() {
			var group sync.WaitGroup
			for _, ring := range rings {
				group.Go(func() {
					if err := ring.RotateDue(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		}
		count := func() (counts [3]int) {
			for i, id := range pools {
				counts[i] = len(storedKeys(t, store, id))
			}
			return counts
		}
		for _, step := range []struct {
			wait time.Duration
			want [3]int
		}{
			{0, [3]int{2, 2, 2}},
			{15*day - time.Minute, [3]int{2, 2, 2}},
			{time.Minute, [3]int{4, 2, 2}}, // one successor, though two processes saw it due
			{time.Minute, [3]int{4, 2, 2}},
			{2 * day, [3]int{2, 2, 2}}, // the old ones have retired
			{4 * day, [3]int{2, 4, 2}},
		} {
			time.Sleep(step.wait)
			due()
			if got := count(); got != step.want {
				t.Errorf("keys of the pools %v, want %v", got, step.want)
			}
		}
		never := newRing(t, store, keys.Options{Generate: generate})
		time.Sleep(1000 * day)
		if err := never.RotateDue(t.Context()); err != nil || count() != [3]int{2, 2, 2} {
			t.Errorf("without MaxAge: keys %v, %v", count(), err)
		}
	})
}

// TestOtherProcessIsSeen checks how soon a process sees what another rotated.
func TestOtherProcessIsSeen(t *testing.T) {
	t.Parallel()
	generate := reserve(t, 8)
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		o := keys.Options{PublishAhead: 20 * time.Second, Generate: generate}
		here, there := newRing(t, store, o), newRing(t, store, o)
		createPool(t, store, here, poolID)
		fetch(t, there, poolID)
		if err := here.Rotate(t.Context(), poolID); err != nil {
			t.Fatal(err)
		}
		if set, _ := fetch(t, here, poolID); len(set) != 4 {
			t.Errorf("%d keys where the rotation was made, want 4 at once", len(set))
		}
		time.Sleep(time.Second) // a twentieth of PublishAhead
		if set, _ := fetch(t, there, poolID); len(set) != 4 {
			t.Errorf("%d keys in the other process, want 4", len(set))
		}
	})
}

// brokenStore fails all reading while it is down.
type brokenStore struct {
	storage.Store
	down  bool
	reads int
}

var errDown = errors.New("database is away")

func (s *brokenStore) View(ctx context.Context, read func(storage.Tx) error) error {
	s.reads++
	if s.down {
		return errDown
	}
	return s.Store.View(ctx, read)
}

func TestStorageDown(t *testing.T) {
	t.Parallel()
	generate := reserve(t, 4)
	synctest.Test(t, func(t *testing.T) {
		store := &brokenStore{Store: newStore(t)}
		var warned []error
		ring := newRing(t, store, keys.Options{Generate: generate, Warn: func(err error) { warned = append(warned, err) }})
		createPool(t, store, ring, poolID)
		set, _ := fetch(t, ring, poolID)
		store.down = true
		for range 60 {
			time.Sleep(time.Second)
			if err := set.verify(sign(t, ring, keys.Access)); err != nil {
				t.Fatal(err)
			}
		}
		if len(warned) == 0 || !errors.Is(warned[0], errDown) {
			t.Errorf("warned of %v, want %v", warned, errDown)
		}
		if err := ring.Rotate(t.Context(), poolID); !errors.Is(err, errDown) {
			t.Errorf("Rotate: %v", err)
		}
		if err := ring.RotateDue(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("RotateDue: %v", err)
		}
		if _, err := ring.Signer(t.Context(), "us-east-1_other", keys.ID); !errors.Is(err, errDown) {
			t.Errorf("Signer of a pool that was not in memory: %v", err)
		}
		store.down = false
		time.Sleep(time.Second)
		before := len(warned)
		sign(t, ring, keys.Access)
		time.Sleep(time.Second)
		sign(t, ring, keys.Access)
		if len(warned) != before {
			t.Error("still warned after storage came back")
		}
	})
}

// TestSigningReadsNothing counts how often storage is read under load.
func TestSigningReadsNothing(t *testing.T) {
	t.Parallel()
	generate := reserve(t, 2)
	synctest.Test(t, func(t *testing.T) {
		store := &brokenStore{Store: newStore(t)}
		ring := newRing(t, store, keys.Options{Generate: generate})
		createPool(t, store, ring, poolID)
		sign(t, ring, keys.ID)
		before := store.reads
		for range 100 {
			sign(t, ring, keys.ID)
			fetch(t, ring, poolID)
			if _, err := ring.Public(poolID).Key(t.Context(), "made up"); !errors.Is(err, keys.ErrUnknownKey) {
				t.Fatal(err)
			}
		}
		if store.reads != before {
			t.Errorf("storage was read %d times for 100 signatures", store.reads-before)
		}
		time.Sleep(31 * time.Second)
		for range 100 {
			sign(t, ring, keys.ID)
		}
		if store.reads != before+1 {
			t.Errorf("storage was read %d times after half a minute, want once", store.reads-before)
		}
	})
}

// slowStore holds back the answer of the next reading.
type slowStore struct {
	storage.Store
	delay time.Duration
}

func (s *slowStore) View(ctx context.Context, read func(storage.Tx) error) error {
	delay := s.delay
	s.delay = 0
	err := s.Store.View(ctx, read)
	time.Sleep(delay)
	return err
}

// TestLateReading rotates while an answer from before is on its way.
func TestLateReading(t *testing.T) {
	t.Parallel()
	generate := reserve(t, 4)
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: newStore(t)}
		ring := newRing(t, store, keys.Options{Generate: generate})
		createPool(t, store, ring, poolID)
		fetch(t, ring, poolID)
		time.Sleep(time.Minute)
		store.delay = 5 * time.Second
		go func() {
			if _, _, err := ring.JWKS(context.Background(), poolID); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if err := ring.Rotate(t.Context(), poolID); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if set, _ := fetch(t, ring, poolID); len(set) != 4 {
				t.Fatalf("%d keys in the JWKS after a rotation, want 4", len(set))
			}
			time.Sleep(time.Second)
		}
	})
}
