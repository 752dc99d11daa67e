package amplifystore_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/amplifystore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

var errFault = errors.New("the storage is out of order")

// sealed follows the form of our keys: a checksum, a space, JSON.
func sealed(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x %s", sha256.Sum256(text), text)
}

// everyFault calls do over a storage that fails from its nth call on, for each n
// until do meets no failure, each before and after the change; then it has check
// look at a sound storage with what is left.
func everyFault(t *testing.T, prepare func(s store.Store), do func(s store.Store) error, check func(t *testing.T, s store.Store, kv *storage, err error)) {
	t.Helper()
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			kv := newStorage()
			prepare(amplifystore.New(kv))
			kv.calls, kv.failAt, kv.fault, kv.after = 0, n, errFault, after
			err := do(amplifystore.New(kv))
			if kv.calls < n {
				if n < 5 || err != nil {
					t.Fatalf("after %d calls: %v", n, err)
				}
				break
			}
			if err != nil && !errors.Is(err, errFault) {
				t.Errorf("call %d failed: %v, want the storage's error", n, err)
			}
			sound := kv.repaired()
			check(t, amplifystore.New(sound), sound, err)
		}
	}
}

// TestSaveFaults wants the old record or the new one after a failure anywhere,
// and the same Save to complete.
func TestSaveFaults(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]store.Record{
		"refresh": refreshed(2), "sign-out": over(storetest.Sample(alice, 1), 2), "ended with tokens": endedWithTokens(2),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := storetest.Sample(alice, 1)
			everyFault(t,
				func(s store.Store) { save(t, s, first, 0) },
				func(s store.Store) error { return s.Save(t.Context(), next, 1) },
				func(t *testing.T, s store.Store, kv *storage, err error) {
					again := amplifystore.New(kv.repaired())
					cut := strings.Contains(kv.items[prefix+"alice%40example%2Ecom."+pool+".latchkey"], `"cut":true`)
					got := load(t, s, alice)
					if storetest.Diff(first, got) != "" && storetest.Diff(next, got) != "" {
						t.Fatalf("generation %d is neither the old record nor the new one", got.Generation)
					}
					if got.Generation == 2 {
						checkShown(t, kv, next) // Load completed it
					}
					var want error
					if got.Generation == 2 && !cut {
						want = store.ErrConflict // it was complete before
					}
					if err := again.Save(t.Context(), next, 1); !errors.Is(err, want) {
						t.Errorf("the same Save again: %v, want %v", err, want)
					}
					if diff := storetest.Diff(next, load(t, again, alice)); diff != "" {
						t.Errorf("after the same Save again:\n%s", diff)
					}
				})
		})
	}
}

func endedWithTokens(generation uint64) store.Record {
	record := refreshed(generation)
	record.Ended = &store.Ended{Reason: "NotAuthorizedException"}
	return record
}

// checkShown compares Amplify's access token with the record's.
func checkShown(t *testing.T, kv *storage, record store.Record) {
	t.Helper()
	want := ""
	if record.Tokens != nil && record.Ended == nil {
		want = record.Tokens.Access.Reveal()
	}
	if got := kv.items[prefix+alice.Username+".accessToken"]; got != want {
		t.Error("Amplify's access token is not the record's")
	}
}

// TestDeleteFaults wants the record or none.
func TestDeleteFaults(t *testing.T) {
	t.Parallel()
	everyFault(t,
		func(s store.Store) {
			save(t, s, storetest.Sample(alice, 1), 0)
			if err := s.SetActive(t.Context(), alice); err != nil {
				t.Fatal(err)
			}
		},
		func(s store.Store) error { return s.Delete(t.Context(), alice) },
		func(t *testing.T, s store.Store, kv *storage, _ error) {
			record, err := s.Load(t.Context(), alice)
			if err == nil && storetest.Diff(storetest.Sample(alice, 1), record) != "" || err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Load: generation %d, %v", record.Generation, err)
			}
			if err != nil {
				for key := range amplifys(kv.items) {
					if !strings.HasSuffix(key, "LastAuthUser") {
						t.Errorf("%s is left after Load completed the Delete", key)
					}
				}
			}
			if err := s.Delete(t.Context(), alice); err != nil {
				t.Errorf("Delete again: %v", err)
			}
			if left := amplifys(kv.items); len(left) != 0 {
				t.Errorf("Delete left %d keys", len(left))
			}
		})
}

// TestSetActiveFaults wants the old pointer or the new one, and LastAuthUser to
// agree with it once Active was asked.
func TestSetActiveFaults(t *testing.T) {
	t.Parallel()
	bob := storetest.Account("bob")
	everyFault(t,
		func(s store.Store) {
			save(t, s, storetest.Sample(alice, 1), 0)
			if err := s.SetActive(t.Context(), alice); err != nil {
				t.Fatal(err)
			}
		},
		func(s store.Store) error { return s.SetActive(t.Context(), bob) },
		func(t *testing.T, s store.Store, kv *storage, _ error) {
			got, err := s.Active(t.Context(), bob.Scope)
			if err != nil || got != alice && got != bob {
				t.Fatalf("Active: %v, %v", got, err)
			}
			if last := kv.items[prefix+"LastAuthUser"]; last != got.Username {
				t.Errorf("LastAuthUser is %q and Active says %q", last, got.Username)
			}
		})
}

// TestReadFaults fails each read of the methods that only read.
func TestReadFaults(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(s store.Store) error{
		"Load":   func(s store.Store) error { _, err := s.Load(t.Context(), alice); return err },
		"List":   func(s store.Store) error { _, err := s.List(t.Context(), alice.Scope); return err },
		"Active": func(s store.Store) error { _, err := s.Active(t.Context(), alice.Scope); return err },
	} {
		for n := 1; ; n++ {
			kv := newStorage()
			s := amplifystore.New(kv)
			save(t, s, storetest.Sample(alice, 1), 0)
			if err := s.SetActive(t.Context(), alice); err != nil {
				t.Fatal(err)
			}
			kv.calls, kv.failAt, kv.fault = 0, n, errFault
			err := do(s)
			if kv.calls < n {
				break
			}
			if !errors.Is(err, errFault) {
				t.Errorf("%s with read %d failing: %v", name, n, err)
			}
		}
	}
}

// TestReadOnly loads what JavaScript wrote from a storage that takes no writes.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	kv := &readOnly{storage: newStorage()}
	signedIn(kv.storage, issued)
	s := amplifystore.New(kv)
	first, second := load(t, s, alice), load(t, s, alice)
	if diff := storetest.Diff(first, second); diff != "" || kv.tries == 0 {
		t.Errorf("two loads differ, or nothing was tried (%d):\n%s", kv.tries, diff)
	}
}

type readOnly struct {
	*storage
	tries int
}

func (r *readOnly) SetItem(context.Context, string, string) error {
	r.tries++
	return errFault
}

// locked is a storage that lends locks, as for several processes.
type locked struct {
	*storage
	mu    sync.Mutex
	locks map[string]chan struct{}
}

func (l *locked) Lock(ctx context.Context, name string) (func(), error) {
	l.mu.Lock()
	turn := l.locks[name]
	if turn == nil {
		turn = make(chan struct{}, 1)
		l.locks[name] = turn
	}
	l.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestTwoPrograms has stores that share a storage with locks, and nothing else,
// count together.
func TestTwoPrograms(t *testing.T) {
	t.Parallel()
	kv := &locked{storage: newStorage(), locks: make(map[string]chan struct{})}
	save(t, amplifystore.New(kv), storetest.Sample(alice, 1), 0)
	const programs, rounds = 8, 10
	var wait sync.WaitGroup
	for range programs {
		s := amplifystore.New(kv)
		wait.Go(func() {
			for done := 0; done < rounds; {
				record, err := s.Load(t.Context(), alice)
				if err != nil {
					t.Errorf("Load: %v", err)
					return
				}
				err = s.Save(t.Context(), refreshed(record.Generation+1), record.Generation)
				if err == nil {
					done++
				} else if !errors.Is(err, store.ErrConflict) {
					t.Errorf("Save: %v", err)
					return
				}
			}
		})
	}
	wait.Wait()
	const last = 1 + programs*rounds
	if diff := storetest.Diff(refreshed(last), load(t, amplifystore.New(kv), alice)); diff != "" {
		t.Errorf("a save was lost:\n%s", diff)
	}
}

// TestLockOfStorage wants Lock to exclude other programs, and them to save and
// read meanwhile.
func TestLockOfStorage(t *testing.T) {
	t.Parallel()
	kv := &locked{storage: newStorage(), locks: make(map[string]chan struct{})}
	one, two := amplifystore.New(kv), amplifystore.New(kv)
	unlock, err := one.Lock(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := two.Lock(ctx, alice); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Lock of what another program holds: %v", err)
	}
	save(t, two, storetest.Sample(alice, 1), 0)
	load(t, one, alice)
	unlock()
	again, err := two.Lock(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
