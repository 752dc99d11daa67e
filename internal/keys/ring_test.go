package keys_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const poolID = "us-east-1_Keys12345"

func newBox(t testing.TB, fill byte) *seal.Box {
	t.Helper()
	box, err := seal.New(bytes.Repeat([]byte{fill}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// smallKey makes keys quickly; how large they are makes no difference to the
// Ring.
func smallKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 1024) }

func newRing(t testing.TB, store storage.Store, o keys.Options) *keys.Ring {
	t.Helper()
	if o.Generate == nil {
		o.Generate = smallKey
	}
	ring := keys.NewRing(store, newBox(t, 1), o)
	t.Cleanup(func() { ring.Close() })
	return ring
}

func newStore(t testing.TB) storage.Store {
	t.Helper()
	store := memory.New()
	t.Cleanup(func() { store.Close() })
	return store
}

// createPool does what the creation of a pool does.
func createPool(t testing.TB, store storage.Store, ring *keys.Ring, id string) {
	t.Helper()
	made, err := ring.Create(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	err = store.Update(context.Background(), func(tx storage.Tx) error {
		if err := tx.Pools.Insert(storage.Pool{ID: id}); err != nil {
			return err
		}
		for _, key := range made {
			if err := tx.Keys.Insert(key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func storedKeys(t testing.TB, store storage.Store, id string) (rows []storage.Key) {
	t.Helper()
	err := store.View(context.Background(), func(tx storage.Tx) (err error) {
		rows, err = tx.Keys.List(id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// keySet is a JWKS as another program reads it.
type keySet map[string]*rsa.PublicKey

func fetch(t testing.TB, ring *keys.Ring, id string) (keySet, time.Duration) {
	t.Helper()
	text, maxAge, err := ring.JWKS(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	set := keySet{}
	for _, member := range document.Keys {
		n, err := base64.RawURLEncoding.DecodeString(member["n"])
		e, err2 := base64.RawURLEncoding.DecodeString(member["e"])
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		set[member["kid"]] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return set, maxAge
}

// sign makes a "token" of a use.
func sign(t testing.TB, ring *keys.Ring, use keys.Use) (keyID string, digest [32]byte, signature []byte) {
	t.Helper()
	signer, err := ring.Signer(context.Background(), poolID, use)
	if err != nil {
		t.Fatal(err)
	}
	rand.Read(digest[:])
	signature, err = signer.Sign(context.Background(), digest)
	if err != nil {
		t.Fatal(err)
	}
	return signer.KeyID, digest, signature
}

func (s keySet) verify(keyID string, digest [32]byte, signature []byte) error {
	key, ok := s[keyID]
	if !ok {
		return fmt.Errorf("no key %s in a set of %d", keyID, len(s))
	}
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
}

func TestCreate(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	ring := keys.NewRing(store, newBox(t, 1), keys.Options{}) // keys of the real size
	defer ring.Close()
	createPool(t, store, ring, poolID)

	set, _ := fetch(t, ring, poolID)
	if len(set) != 2 {
		t.Errorf("%d keys in the JWKS, want 2", len(set))
	}
	seen := map[string]bool{}
	for _, use := range []keys.Use{keys.ID, keys.Access} {
		keyID, digest, signature := sign(t, ring, use)
		if err := set.verify(keyID, digest, signature); err != nil {
			t.Errorf("%s: %v", use, err)
		}
		if raw, err := base64.StdEncoding.DecodeString(keyID); err != nil || len(keyID) != 44 || len(raw) != 32 {
			t.Errorf("kid %q is not 32 bytes in base64", keyID)
		}
		if size := set[keyID].N.BitLen(); size != 2048 {
			t.Errorf("%s key of %d bits, want 2048", use, size)
		}
		source, err := ring.Public(poolID).Key(t.Context(), keyID)
		if err != nil || !source.Equal(set[keyID]) {
			t.Errorf("Public gives another key than the JWKS, %v", err)
		}
		seen[keyID] = true
	}
	if len(seen) != 2 {
		t.Error("ID and access tokens are signed with one key")
	}
}

func TestJWKSDocument(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	ring := newRing(t, store, keys.Options{PublishAhead: time.Minute})
	createPool(t, store, ring, poolID)
	text, maxAge, err := ring.JWKS(t.Context(), poolID)
	if err != nil || maxAge != time.Minute {
		t.Fatalf("JWKS: max age %v, %v", maxAge, err)
	}
	member := `\{"alg":"RS256","e":"AQAB","kid":"[A-Za-z0-9+/]{43}=","kty":"RSA","n":"[A-Za-z0-9_-]+","use":"sig"\}`
	if !regexp.MustCompile(`^\{"keys":\[` + member + `,` + member + `\]\}$`).Match(text) {
		t.Errorf("JWKS is %s", text)
	}
	if _, maxAge, _ := newRing(t, store, keys.Options{}).JWKS(t.Context(), poolID); maxAge != 5*time.Minute {
		t.Errorf("max age %v by default, want 5 minutes", maxAge)
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	ring := newRing(t, store, keys.Options{})
	createPool(t, store, ring, poolID)
	ctx := t.Context()
	_, signerErr := ring.Signer(ctx, "us-east-1_none", keys.ID)
	_, _, setErr := ring.JWKS(ctx, "us-east-1_none")
	_, sourceErr := ring.Public("us-east-1_none").Key(ctx, "kid")
	_, useErr := ring.Signer(ctx, poolID, "refresh")
	for name, err := range map[string]error{"Signer": signerErr, "JWKS": setErr,
		"Rotate": ring.Rotate(ctx, "us-east-1_none"), "Signer of another use": useErr} {
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: %v, want storage.ErrNotFound", name, err)
		}
	}
	if !errors.Is(sourceErr, keys.ErrUnknownKey) || !errors.Is(sourceErr, jwt.ErrUnknownKey) {
		t.Errorf("key of an unknown pool: %v, want ErrUnknownKey", sourceErr)
	}
	if _, err := ring.Public(poolID).Key(ctx, "kid"); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("unknown kid: %v, want ErrUnknownKey", err)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	first := newRing(t, store, keys.Options{})
	createPool(t, store, first, poolID)
	before, _, err := first.JWKS(t.Context(), poolID)
	if err != nil {
		t.Fatal(err)
	}
	second := newRing(t, store, keys.Options{})
	after, _, err := second.JWKS(t.Context(), poolID)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("another JWKS after a restart, %v", err)
	}
	set, _ := fetch(t, first, poolID)
	if err := set.verify(sign(t, second, keys.Access)); err != nil {
		t.Error(err)
	}
}

func TestWrongMasterKey(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	createPool(t, store, newRing(t, store, keys.Options{}), poolID)
	other := keys.NewRing(store, newBox(t, 2), keys.Options{})
	defer other.Close()
	_, err := other.Signer(t.Context(), poolID, keys.ID)
	if !errors.Is(err, seal.ErrOpen) || !strings.Contains(err.Error(), poolID) || !strings.Contains(err.Error(), "master key") {
		t.Errorf("Signer with another master key: %v", err)
	}
}

// TestAlteredStorage is somebody who can write to the database but not open it.
func TestAlteredStorage(t *testing.T) {
	t.Parallel()
	foreign, err := smallKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&foreign.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, alter := range map[string]func(first, second *storage.Key){
		"public key exchanged": func(first, _ *storage.Key) { first.Public = public },
		"one bit flipped":      func(first, _ *storage.Key) { first.Private[60] ^= 1 },
		"keys swapped":         func(first, second *storage.Key) { first.Private, second.Private = second.Private, first.Private },
		"private key gone":     func(first, _ *storage.Key) { first.Private = nil },
	} {
		store := newStore(t)
		ring := newRing(t, store, keys.Options{})
		createPool(t, store, ring, poolID)
		rows := storedKeys(t, store, poolID)
		alter(&rows[0], &rows[1])
		err := store.Update(t.Context(), func(tx storage.Tx) error {
			return errors.Join(tx.Keys.Update(rows[0]), tx.Keys.Update(rows[1]))
		})
		if err != nil {
			t.Fatal(err)
		}
		if text, _, err := ring.JWKS(t.Context(), poolID); err == nil {
			t.Errorf("%s: published %s", name, text)
		}
	}
}

func TestNoPrivateKeyInStorage(t *testing.T) {
	t.Parallel()
	var made []*rsa.PrivateKey
	var mu sync.Mutex
	store := newStore(t)
	ring := newRing(t, store, keys.Options{Generate: func() (*rsa.PrivateKey, error) {
		key, err := smallKey()
		mu.Lock()
		defer mu.Unlock()
		made = append(made, key)
		return key, err
	}})
	createPool(t, store, ring, poolID)
	if err := ring.Rotate(t.Context(), poolID); err != nil {
		t.Fatal(err)
	}
	rows := storedKeys(t, store, poolID)
	if len(rows) != 4 || len(made) != 4 {
		t.Fatalf("%d keys made, %d stored, want 4", len(made), len(rows))
	}
	for _, row := range rows {
		for _, key := range made {
			for name, canary := range map[string][]byte{"d": key.D.Bytes(), "p": key.Primes[0].Bytes(), "q": key.Primes[1].Bytes()} {
				if bytes.Contains(append(bytes.Clone(row.Public), row.Private...), canary[:16]) {
					t.Errorf("%s of a private key is in storage", name)
				}
			}
		}
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	ring := newRing(t, store, keys.Options{})
	createPool(t, store, ring, poolID)
	sign(t, ring, keys.ID)
	if err := store.Update(t.Context(), func(tx storage.Tx) error { return tx.Pools.Delete(poolID) }); err != nil {
		t.Fatal(err)
	}
	ring.Forget(poolID)
	if _, err := ring.Signer(t.Context(), poolID, keys.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Signer of a deleted pool: %v", err)
	}
}

func TestSignAll(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			ring := newRing(t, store, keys.Options{Workers: workers})
			createPool(t, store, ring, poolID)
			set, _ := fetch(t, ring, poolID)
			var requests []keys.Request
			for i := range 10 {
				signer, err := ring.Signer(t.Context(), poolID, []keys.Use{keys.ID, keys.Access}[i%2])
				if err != nil {
					t.Fatal(err)
				}
				requests = append(requests, keys.Request{Signer: signer, Digest: sha256.Sum256([]byte{byte(i)})})
			}
			signatures, err := ring.SignAll(t.Context(), requests...)
			if err != nil {
				t.Fatal(err)
			}
			for i, request := range requests {
				if err := set.verify(request.Signer.KeyID, request.Digest, signatures[i]); err != nil {
					t.Errorf("signature %d: %v", i, err)
				}
			}
			if none, err := ring.SignAll(t.Context()); err != nil || len(none) != 0 {
				t.Errorf("SignAll of nothing = %v, %v", none, err)
			}
		})
	}
}

// TestWorkersAreBounded also checks that signing does not outlive its context.
func TestWorkersAreBounded(t *testing.T) {
	t.Parallel()
	var running, most atomic.Int32
	release := make(chan struct{})
	store := newStore(t)
	ring := newRing(t, store, keys.Options{Workers: 3, Sign: func(*rsa.PrivateKey, []byte) ([]byte, error) {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		<-release
		return []byte("signature"), nil
	}})
	createPool(t, store, ring, poolID)
	signer, err := ring.Signer(t.Context(), poolID, keys.ID)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got, err := signer.Sign(t.Context(), [32]byte{}); err != nil || string(got) != "signature" {
				t.Errorf("Sign = %q, %v", got, err)
			}
		})
	}
	for running.Load() < 3 {
		runtime.Gosched()
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := signer.Sign(ended, [32]byte{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Sign after its context ended, with all workers busy: %v", err)
	}
	if _, err := ring.SignAll(ended, keys.Request{Signer: signer}); !errors.Is(err, context.Canceled) {
		t.Errorf("SignAll after its context ended: %v", err)
	}
	close(release)
	group.Wait()
	if most.Load() != 3 {
		t.Errorf("%d signatures at once, want 3", most.Load())
	}
}

func TestSignFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("token unplugged")
	store := newStore(t)
	ring := newRing(t, store, keys.Options{Workers: 1, Sign: func(_ *rsa.PrivateKey, digest []byte) ([]byte, error) {
		if digest[0] == 0 {
			return []byte("half"), broken
		}
		panic("no such engine")
	}})
	createPool(t, store, ring, poolID)
	signer, err := ring.Signer(t.Context(), poolID, keys.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := signer.Sign(t.Context(), [32]byte{0}); !errors.Is(err, broken) || got != nil {
		t.Errorf("Sign = %q, %v", got, err)
	}
	for range 3 { // the worker survives
		if _, err := signer.Sign(t.Context(), [32]byte{1}); err == nil || !strings.Contains(err.Error(), "no such engine") {
			t.Errorf("Sign by a function that panics: %v", err)
		}
	}
	for _, workers := range []int{1, 2} {
		ring := newRing(t, store, keys.Options{Workers: workers})
		got, err := ring.SignAll(t.Context(), keys.Request{Signer: signer}, keys.Request{Signer: signer})
		if !errors.Is(err, broken) || got != nil {
			t.Errorf("SignAll with %d workers = %q, %v", workers, got, err)
		}
	}
	noKeys := newRing(t, store, keys.Options{Generate: func() (*rsa.PrivateKey, error) { return nil, broken }})
	if _, err := noKeys.Create(t.Context(), poolID); !errors.Is(err, broken) {
		t.Errorf("Create: %v", err)
	}
	if err := noKeys.Rotate(t.Context(), poolID); !errors.Is(err, broken) {
		t.Errorf("Rotate: %v", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	ring := newRing(t, store, keys.Options{})
	createPool(t, store, ring, poolID)
	signer, err := ring.Signer(t.Context(), poolID, keys.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ring.Close(), ring.Close()); err != nil {
		t.Errorf("Close twice: %v", err)
	}
	if _, err := signer.Sign(t.Context(), [32]byte{}); !errors.Is(err, keys.ErrClosed) {
		t.Errorf("Sign after Close: %v, want ErrClosed", err)
	}
	if _, _, err := ring.JWKS(t.Context(), poolID); err != nil {
		t.Errorf("JWKS after Close: %v", err)
	}
}

func TestCloseWaitsForSignatures(t *testing.T) {
	t.Parallel()
	generate := reserve(t, 2)
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		ring := newRing(t, store, keys.Options{Generate: generate, Sign: func(*rsa.PrivateKey, []byte) ([]byte, error) {
			time.Sleep(time.Second)
			return nil, nil
		}})
		createPool(t, store, ring, poolID)
		signer, err := ring.Signer(t.Context(), poolID, keys.ID)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if _, err := signer.Sign(t.Context(), [32]byte{}); err != nil {
				t.Errorf("a signature under way failed: %v", err)
			}
		}()
		synctest.Wait()
		start := time.Now()
		if err := ring.Close(); err != nil || time.Since(start) != time.Second {
			t.Errorf("Close = %v after %v, want it to wait a second", err, time.Since(start))
		}
	})
}

// BenchmarkSign measures what the Ring adds to a signature.
func BenchmarkSign(b *testing.B) {
	store := newStore(b)
	null := func(*rsa.PrivateKey, []byte) ([]byte, error) { return nil, nil }
	for name, o := range map[string]keys.Options{"rsa": {}, "null": {Sign: null}} {
		ring := keys.NewRing(store, newBox(b, 1), o)
		id := poolID + name
		createPool(b, store, ring, id)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				signer, err := ring.Signer(b.Context(), id, keys.Access)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := signer.Sign(b.Context(), [32]byte{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		ring.Close()
	}
	b.Run("SignPKCS1v15 alone", func(b *testing.B) {
		key, _ := rsa.GenerateKey(rand.Reader, 2048)
		digest := make([]byte, 32)
		for b.Loop() {
			if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest); err != nil {
				b.Fatal(err)
			}
		}
	})
}
