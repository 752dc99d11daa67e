package keys_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// module is a Signer with its private keys in memory, as in a security module.
type module struct {
	mu      sync.Mutex
	private map[string]*rsa.PrivateKey
	asked   []plug.KeyRequest
	removed []string
	bits    int
	// sign and remove take the place of the methods.
	sign   func(ctx context.Context, handle string) ([]byte, error)
	remove func(handle string) error
}

func newModule() *module { return &module{private: map[string]*rsa.PrivateKey{}, bits: 2048} }

func (m *module) CreateKey(_ context.Context, r plug.KeyRequest) (plug.SigningKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, m.bits)
	if err != nil {
		return plug.SigningKey{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	handle := fmt.Sprintf("%s/%s/%d", r.PoolID, r.Use, len(m.private))
	m.private[handle] = key
	m.asked = append(m.asked, r)
	return plug.SigningKey{Handle: handle, Public: &key.PublicKey}, nil
}

func (m *module) Sign(ctx context.Context, handle string, digest [32]byte) ([]byte, error) {
	m.mu.Lock()
	key, sign := m.private[handle], m.sign
	m.mu.Unlock()
	if sign != nil {
		return sign(ctx, handle)
	}
	if key == nil {
		return nil, errors.New("no such key")
	}
	return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
}

func (m *module) RemoveKey(_ context.Context, handle string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.remove != nil {
		if err := m.remove(handle); err != nil {
			return err
		}
	}
	delete(m.private, handle)
	m.removed = append(m.removed, handle)
	return nil
}

// set changes the module under its lock.
func (m *module) set(change func(*module)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// TestSignerKeepsPrivateKeys signs with keys of a Signer, before and after a restart.
func TestSignerKeepsPrivateKeys(t *testing.T) {
	t.Parallel()
	store, m := newStore(t), newModule()
	ring := newRing(t, store, keys.Options{Signer: m})
	createPool(t, store, ring, poolID)
	if want := []plug.KeyRequest{{PoolID: poolID, Use: plug.UseAccess}, {PoolID: poolID, Use: plug.UseID}}; !slices.Equal(sortedRequests(m.asked), want) {
		t.Errorf("asked for %v, want %v", m.asked, want)
	}
	for name, r := range map[string]*keys.Ring{"new": ring, "restarted": newRing(t, store, keys.Options{Signer: m})} {
		set, _ := fetch(t, r, poolID)
		for _, use := range []keys.Use{keys.ID, keys.Access} {
			id, digest, signature := sign(t, r, use)
			if err := set.verify(id, digest, signature); err != nil {
				t.Errorf("%s, %s: %v", name, use, err)
			}
		}
	}
	for _, row := range storedKeys(t, store, poolID) {
		if strings.Contains(string(row.Private), poolID+"/") {
			t.Error("the handle is in storage in clear text")
		}
	}
}

func sortedRequests(list []plug.KeyRequest) []plug.KeyRequest {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b plug.KeyRequest) int { return strings.Compare(a.Use, b.Use) })
	return list
}

// TestSignerFails checks signatures that do not come, come late or are wrong: each is an
// error, and the next one is good.
func TestSignerFails(t *testing.T) {
	t.Parallel()
	store, m := newStore(t), newModule()
	ring := newRing(t, store, keys.Options{Signer: m})
	createPool(t, store, ring, poolID)
	signer, err := ring.Signer(t.Context(), poolID, keys.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, sign := range map[string]func(context.Context, string) ([]byte, error){
		"an error":       func(context.Context, string) ([]byte, error) { return nil, errors.New("unavailable") },
		"a panic":        func(context.Context, string) ([]byte, error) { panic("oops") },
		"nothing":        func(context.Context, string) ([]byte, error) { return nil, nil },
		"wrong":          func(context.Context, string) ([]byte, error) { return make([]byte, 256), nil },
		"of another key": func(context.Context, string) ([]byte, error) { return foreignSignature() },
	} {
		m.set(func(m *module) { m.sign = sign })
		if signature, err := signer.Sign(t.Context(), [32]byte{1}); err == nil || signature != nil {
			t.Errorf("%s: signature %x, error %v", name, signature, err)
		}
	}
	m.set(func(m *module) {
		m.sign = func(ctx context.Context, _ string) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := signer.Sign(ctx, [32]byte{1}); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has left: %v", err)
	}
	m.set(func(m *module) { m.sign = nil })
	if _, err := signer.Sign(t.Context(), [32]byte{1}); err != nil {
		t.Errorf("after the failures: %v", err)
	}
}

var foreignSignature = sync.OnceValues(func() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	digest := [32]byte{1}
	return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
})

// TestSignerKeysAreChecked refuses keys that no token should be signed with.
func TestSignerKeysAreChecked(t *testing.T) {
	t.Parallel()
	good, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		key  plug.SigningKey
		text string
	}{
		"no handle":     {plug.SigningKey{Public: &good.PublicKey}, "handle has 0 bytes"},
		"long handle":   {plug.SigningKey{Handle: strings.Repeat("h", 2049), Public: &good.PublicKey}, "handle has 2049 bytes"},
		"no public key": {plug.SigningKey{Handle: "h"}, "no public key"},
		"short key":     {plug.SigningKey{Handle: "h", Public: &small.PublicKey}, "1024 bits"},
		"exponent":      {plug.SigningKey{Handle: "h", Public: &rsa.PublicKey{N: good.N, E: 1}}, "exponent 1"},
	} {
		ring := newRing(t, newStore(t), keys.Options{Signer: fixedSigner{key: test.key}})
		if _, err := ring.Create(t.Context(), poolID, keys.ID); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fixedSigner makes the same key each time.
type fixedSigner struct {
	plug.Signer
	key plug.SigningKey
}

func (s fixedSigner) CreateKey(context.Context, plug.KeyRequest) (plug.SigningKey, error) {
	return s.key, nil
}

// TestSignerComesAndGoes uses a database with a Signer that was used without one, and the
// other way round.
func TestSignerComesAndGoes(t *testing.T) {
	t.Parallel()
	store, m, clock := newStore(t), newModule(), &stoppedClock{at: time.Now()}
	plain := newRing(t, store, keys.Options{Now: clock.now})
	createPool(t, store, plain, poolID)
	before, _, _ := sign(t, plain, keys.ID)

	external := newRing(t, store, keys.Options{Now: clock.now, Signer: m})
	if id, _, _ := sign(t, external, keys.ID); id != before {
		t.Errorf("key %s signs, want the one in storage, %s", id, before)
	}
	if err := external.Rotate(t.Context(), poolID); err != nil {
		t.Fatal(err)
	}
	clock.advance(2 * time.Hour)
	set, _ := fetch(t, external, poolID)
	id, digest, signature := sign(t, external, keys.ID)
	if err := set.verify(id, digest, signature); err != nil || id == before {
		t.Errorf("after the rotation: key %s, %v", id, err)
	}
	if set[before] == nil {
		t.Error("the key in storage is not published any more")
	}

	without := newRing(t, store, keys.Options{Now: clock.now})
	if _, err := without.Signer(t.Context(), poolID, keys.ID); !errors.Is(err, keys.ErrSigner) {
		t.Errorf("without the Signer: %v, want ErrSigner", err)
	}
	if err := keys.CheckMasterKey(t.Context(), store, newBox(t, 1)); err != nil {
		t.Errorf("the sealing key of a database with a Signer's keys: %v", err)
	}
}

// stoppedClock only moves by advance.
type stoppedClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *stoppedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *stoppedClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// TestSignerRemovesRetiredKeys removes keys after a rotation, and again after a failure.
func TestSignerRemovesRetiredKeys(t *testing.T) {
	t.Parallel()
	store, m, clock := newStore(t), newModule(), &stoppedClock{at: time.Now()}
	ring := newRing(t, store, keys.Options{Now: clock.now, Signer: m})
	createPool(t, store, ring, poolID)
	if err := ring.Rotate(t.Context(), poolID); err != nil {
		t.Fatal(err)
	}
	clock.advance(30 * time.Hour)
	m.set(func(m *module) { m.remove = func(string) error { return errors.New("busy") } })
	if err := ring.RotateDue(t.Context()); err == nil || !strings.Contains(err.Error(), "busy") {
		t.Errorf("a removal that failed: %v", err)
	}
	if rows := storedKeys(t, store, poolID); len(rows) != 4 {
		t.Errorf("%d keys in storage, want 4", len(rows))
	}
	m.set(func(m *module) { m.remove = nil })
	if err := ring.RotateDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := storedKeys(t, store, poolID); len(rows) != 2 || len(m.removed) != 2 || len(m.private) != 2 {
		t.Errorf("%d keys in storage, removed %q, %d left in the module", len(rows), m.removed, len(m.private))
	}
	set, _ := fetch(t, ring, poolID)
	id, digest, signature := sign(t, ring, keys.Access)
	if err := set.verify(id, digest, signature); err != nil {
		t.Error(err)
	}
}

// TestSignerKeyOfAlteredStorage: a public key that was exchanged in storage is found out.
func TestSignerKeyOfAlteredStorage(t *testing.T) {
	t.Parallel()
	store, m := newStore(t), newModule()
	ring := newRing(t, store, keys.Options{Signer: m})
	createPool(t, store, ring, poolID)
	rows := storedKeys(t, store, poolID)
	err := store.Update(t.Context(), func(tx storage.Tx) error {
		rows[0].Public = rows[1].Public
		return tx.Keys.Update(rows[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	again := newRing(t, store, keys.Options{Signer: m})
	if _, err := again.Signer(t.Context(), poolID, keys.ID); err == nil || !strings.Contains(err.Error(), "altered") {
		t.Errorf("error %v", err)
	}
}

// TestSignerProvesNewKeys refuses a new key that does not sign, or whose public part is another
// one's: the pool is not created, and a rotation keeps the old key.
func TestSignerProvesNewKeys(t *testing.T) {
	t.Parallel()
	for name, sign := range map[string]func(context.Context, string) ([]byte, error){
		"an error":       func(context.Context, string) ([]byte, error) { return nil, errors.New("unavailable") },
		"of another key": func(context.Context, string) ([]byte, error) { return foreignSignature() },
	} {
		store, m := newStore(t), newModule()
		ring := newRing(t, store, keys.Options{Signer: m})
		createPool(t, store, ring, poolID)
		m.set(func(m *module) { m.sign = sign })
		if _, err := ring.Create(t.Context(), "us-east-1_Other1234", keys.ID); err == nil || !strings.Contains(err.Error(), "proving a new key") {
			t.Errorf("%s: a new pool: %v", name, err)
		}
		if err := ring.Rotate(t.Context(), poolID); err == nil || !strings.Contains(err.Error(), "proving a new key") {
			t.Errorf("%s: a rotation: %v", name, err)
		}
		if rows := storedKeys(t, store, poolID); len(rows) != 2 {
			t.Errorf("%s: %d keys in storage, want the 2 old ones", name, len(rows))
		}
		m.set(func(m *module) { m.sign = nil })
		if err := ring.Rotate(t.Context(), poolID); err != nil {
			t.Errorf("%s: a rotation afterwards: %v", name, err)
		}
	}
}

// TestSignerHandlesOutliveSealingKeys opens handles that an earlier sealing key encrypted.
func TestSignerHandlesOutliveSealingKeys(t *testing.T) {
	t.Parallel()
	store, m := newStore(t), newModule()
	createPool(t, store, newRing(t, store, keys.Options{Signer: m}), poolID)
	for fills, want := range map[string]bool{"\x02\x01": true, "\x02": false} {
		box := boxOf(t, []byte(fills)...)
		ring := keys.NewRing(store, box, keys.Options{Signer: m})
		defer ring.Close()
		signer, err := ring.Signer(t.Context(), poolID, keys.ID)
		if (err == nil) != want {
			t.Errorf("sealing keys %x: %v", fills, err)
			continue
		}
		if want {
			if _, err := signer.Sign(t.Context(), [32]byte{1}); err != nil {
				t.Error(err)
			}
		}
	}
}
