package keys_test

import (
	"errors"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// published returns the ids of a ring's key set and checks that Public finds each.
func published(t *testing.T, ring *keys.Ring) keySet {
	t.Helper()
	set, _ := fetch(t, ring, poolID)
	for id := range set {
		if key, err := ring.Public(poolID).Key(t.Context(), id); err != nil || !key.Equal(set[id]) {
			t.Errorf("public key %s: %v", id, err)
		}
	}
	return set
}

// verifyNext signs with a ring and verifies the signature by its key set. It returns the key's id.
func verifyNext(t *testing.T, ring *keys.Ring) string {
	t.Helper()
	id, digest, signature := sign(t, ring, keys.ID)
	if err := published(t, ring).verify(id, digest, signature); err != nil {
		t.Fatal(err)
	}
	return id
}

// wantNoSigner checks that a ring refuses to sign for want of the Signer, and publishes all keys.
func wantNoSigner(t *testing.T, ring *keys.Ring, count int) {
	t.Helper()
	for _, use := range []keys.Use{keys.ID, keys.Access} {
		if _, err := ring.Signer(t.Context(), poolID, use); !errors.Is(err, keys.ErrSigner) {
			t.Errorf("%s: error %v, want ErrSigner", use, err)
		}
	}
	if set := published(t, ring); len(set) != count {
		t.Errorf("%d keys are published, want %d", len(set), count)
	}
}

// TestWithoutSignerKeysStayPublished uses a database of a Signer's keys without the Signer:
// tokens are verified, none are signed, and a rotation gives the pool keys in storage that sign
// at once. With the Signer again, the tokens of both are good.
func TestWithoutSignerKeysStayPublished(t *testing.T) {
	t.Parallel()
	store, m, clock := newStore(t), newModule(), &stoppedClock{at: time.Now()}
	external := newRing(t, store, keys.Options{Now: clock.now, Signer: m})
	createPool(t, store, external, poolID)
	old, digest, signature := sign(t, external, keys.ID)

	without := newRing(t, store, keys.Options{Now: clock.now})
	wantNoSigner(t, without, 2)
	if err := published(t, without).verify(old, digest, signature); err != nil {
		t.Errorf("a token of the Signer: %v", err)
	}
	if err := without.Rotate(t.Context(), poolID); err != nil {
		t.Fatal(err)
	}
	id := verifyNext(t, without)
	if set := published(t, without); set[old] == nil || len(set) != 4 {
		t.Errorf("published %d keys, the Signer's: %t", len(set), set[old] != nil)
	}
	clock.advance(2 * time.Hour)
	if again := verifyNext(t, without); again != id {
		t.Errorf("key %s signs after two hours, want %s", again, id)
	}
	with := newRing(t, store, keys.Options{Now: clock.now, Signer: m})
	if got := verifyNext(t, with); got != id {
		t.Errorf("with the Signer again, key %s signs, want %s", got, id)
	}
	clock.advance(30 * time.Hour)
	if err := with.RotateDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := storedKeys(t, store, poolID); len(rows) != 2 || len(m.removed) != 2 {
		t.Errorf("%d keys in storage, removed %q", len(rows), m.removed)
	}
}

// TestWithoutSignerBeforeItsKeysSign removes the Signer between a rotation and the time at which
// its keys sign: the keys in storage sign until then, and a rotation replaces the waiting keys.
func TestWithoutSignerBeforeItsKeysSign(t *testing.T) {
	t.Parallel()
	for name, rotate := range map[string]bool{"a rotation": true, "no rotation": false} {
		store, clock := newStore(t), &stoppedClock{at: time.Now()}
		plain := newRing(t, store, keys.Options{Now: clock.now})
		createPool(t, store, plain, poolID)
		first := verifyNext(t, plain)
		if err := newRing(t, store, keys.Options{Now: clock.now, Signer: newModule()}).Rotate(t.Context(), poolID); err != nil {
			t.Fatal(err)
		}
		clock.advance(30 * time.Minute)
		without := newRing(t, store, keys.Options{Now: clock.now})
		if id := verifyNext(t, without); id != first {
			t.Errorf("%s: key %s signs, want the first, %s", name, id, first)
		}
		if !rotate {
			clock.advance(time.Hour)
			wantNoSigner(t, without, 4)
			continue
		}
		if err := without.Rotate(t.Context(), poolID); err != nil {
			t.Fatal(err)
		}
		if id := verifyNext(t, without); id != first {
			t.Errorf("after the rotation key %s signs, want the first until the new one is published for an hour", id)
		}
		clock.advance(59 * time.Minute)
		id, digest, signature := sign(t, without, keys.ID)
		clock.advance(2 * time.Minute)
		if next := verifyNext(t, without); next == first {
			t.Error("the first key signs after the new one was published for an hour")
		}
		clock.advance(24*time.Hour - 3*time.Minute) // a token's longest life
		if err := published(t, without).verify(id, digest, signature); err != nil {
			t.Errorf("the last token of the first key: %v", err)
		}
	}
}

// TestWithoutSignerAtOneMoment rotates at the very time at which the Signer's key began to sign:
// the key in storage takes over, whatever the order of the keys' ids.
func TestWithoutSignerAtOneMoment(t *testing.T) {
	t.Parallel()
	clock := &stoppedClock{at: time.Now()}
	for range 8 {
		store := newStore(t)
		external := newRing(t, store, keys.Options{Now: clock.now, Signer: newModule()})
		made, err := external.Create(t.Context(), poolID, keys.ID)
		if err != nil {
			t.Fatal(err)
		}
		err = store.Update(t.Context(), func(tx storage.Tx) error {
			return errors.Join(tx.Pools.Insert(storage.Pool{ID: poolID}), tx.Keys.Insert(made[0]))
		})
		if err != nil {
			t.Fatal(err)
		}
		without := newRing(t, store, keys.Options{Now: clock.now})
		if err := without.Rotate(t.Context(), poolID); err != nil {
			t.Fatal(err)
		}
		if id := verifyNext(t, without); id == made[0].ID {
			t.Error("the Signer's key signs")
		}
	}
}

// TestWithoutSignerAndClockSetBack rotates before the Signer's keys are active, as a clock that
// was set back shows it: they stay published, since they may have signed.
func TestWithoutSignerAndClockSetBack(t *testing.T) {
	t.Parallel()
	store, clock := newStore(t), &stoppedClock{at: time.Now()}
	external := newRing(t, store, keys.Options{Now: clock.now, Signer: newModule()})
	createPool(t, store, external, poolID)
	old, digest, signature := sign(t, external, keys.ID)
	clock.advance(-time.Minute)
	without := newRing(t, store, keys.Options{Now: clock.now})
	if err := without.Rotate(t.Context(), poolID); err != nil {
		t.Fatal(err)
	}
	if err := published(t, without).verify(old, digest, signature); err != nil {
		t.Errorf("a token of the Signer: %v", err)
	}
	clock.advance(2 * time.Hour)
	verifyNext(t, without)
}

// TestRotateDueWithoutSigner replaces a Signer's key by one in storage when its age demands it.
func TestRotateDueWithoutSigner(t *testing.T) {
	t.Parallel()
	store, clock := newStore(t), &stoppedClock{at: time.Now()}
	createPool(t, store, newRing(t, store, keys.Options{Now: clock.now, Signer: newModule()}), poolID)
	without := newRing(t, store, keys.Options{Now: clock.now, MaxAge: 48 * time.Hour})
	if err := without.RotateDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantNoSigner(t, without, 2)
	clock.advance(48 * time.Hour)
	if err := without.RotateDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	verifyNext(t, without)
}
