package latchkey

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// TestWatchStory: what one client does, another that shares the store tells of,
// once each, in order, and answers by.
func TestWatchStory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		p.rotate = true
		a, b := p.newClient(t, withStore(kept)), p.newClient(t, withStore(kept))
		mine, others := &recorder{}, &recorder{}
		a.Subscribe(mine.add)
		b.Subscribe(others.add)
		b.Subscribe(func(Event) {}) // a second one changes nothing
		step := func(want string, do func()) {
			t.Helper()
			do()
			synctest.Wait()
			names := others.names()
			if len(names) == 0 && want != "" || len(names) > 0 && names[len(names)-1] != want {
				t.Fatalf("events %v, want %s at the end", names, want)
			}
		}
		step("", func() { fetch(t, b) })
		step("Restored:remote", func() { signIn(t, a, "alice") })
		step("Refreshed:remote", func() { fetch(t, a, ForceRefresh()) })
		if x, y := wantTokens(t, fetch(t, a), "alice"), wantTokens(t, fetch(t, b), "alice"); x.Access.Raw() != y.Access.Raw() {
			t.Error("the two hold different tokens")
		}
		step("Refreshed:remote", func() {
			change(t, kept, func(r *store.Record) { r.SetIdentity(store.Identity{PoolID: testIdentityPool, ID: "no event"}) })
		})
		step("Restored:remote", func() { signIn(t, a, "alice") }) // a session of its own
		step("SignedOut:remote", func() { _, _ = a.SignOut(t.Context()) })
		if _, err := fetch(t, b).Tokens(); !errors.Is(err, ErrSignedOut) {
			t.Errorf("Tokens: %v", err)
		}
		step("Restored:remote", func() { signIn(t, a, "bob") })
		step("SessionExpired:PasswordResetRequiredException", func() {
			p.set(func(p *fakePool) { p.users["bob"].exception = "PasswordResetRequiredException" })
			fetch(t, a, ForceRefresh())
		})
		step("Restored:remote", func() { signIn(t, a, "alice") })
		step("SignedOut:remote", func() { _ = kept.Delete(t.Context(), aliceAccount()) })
		want := []string{
			"Restored:remote", "Refreshed:remote", "Restored:remote", "SignedOut:remote", "Restored:remote",
			"SessionExpired:PasswordResetRequiredException", "Restored:remote", "SignedOut:remote",
		}
		if diff := cmp.Diff(want, others.names()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		want = []string{
			"SignedIn", "Refreshed", "SignedIn", "SignedOut:local", "SignedIn",
			"SessionExpired:PasswordResetRequiredException", "SignedIn", "SignedOut:remote",
		}
		if diff := cmp.Diff(want, mine.names()); diff != "" {
			t.Errorf("events of the one that did it (-want +got):\n%s", diff)
		}
		if got := p.count(opRefresh); got != 2 {
			t.Errorf("%d refreshes, want 2", got)
		}
	})
}

// TestWatchKeepsUser: a live session is not replaced because another user signed
// in elsewhere; once it is over, the other one is found.
func TestWatchKeepsUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		a, b := p.signedIn(t, "alice", withStore(kept)), p.newClient(t, withStore(kept))
		seen := &recorder{}
		a.Subscribe(seen.add)
		signIn(t, b, "bob")
		synctest.Wait()
		wantTokens(t, fetch(t, a), "alice")
		change(t, kept, func(r *store.Record) { *r = tombstone(*r); r.Generation-- })
		synctest.Wait()
		wantTokens(t, fetch(t, a), "bob")
		if diff := cmp.Diff([]string{"SignedOut:remote", "Restored:remote"}, seen.names()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// TestWatchOwnChanges: whatever a client does itself, however slow its store, is
// told once and not as somebody else's doing.
func TestWatchOwnChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		p.rotate, p.delay = true, 30*time.Millisecond
		kept := &slowStore{Memory: store.NewMemory(), delay: 20 * time.Millisecond}
		c := p.newClient(t, withStore(kept))
		seen := &recorder{}
		c.Subscribe(seen.add)
		var want []string
		for range 5 {
			signIn(t, c, "alice")
			var group sync.WaitGroup
			for range 3 {
				group.Go(func() { fetch(t, c, ForceRefresh()) })
			}
			group.Wait()
			if _, err := c.SignOut(t.Context()); err != nil {
				t.Fatal(err)
			}
			want = append(want, "SignedIn", "Refreshed", "SignedOut:local")
		}
		time.Sleep(time.Minute)
		if diff := cmp.Diff(want, seen.names()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// slowStore takes its time for every operation, and heeds the context.
type slowStore struct {
	*store.Memory
	delay time.Duration
}

func (s *slowStore) wait(ctx context.Context) error {
	if s.delay > 0 {
		select {
		case <-time.After(s.delay):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func (s *slowStore) Load(ctx context.Context, a store.Account) (store.Record, error) {
	if err := s.wait(ctx); err != nil {
		return store.Record{}, err
	}
	return s.Memory.Load(ctx, a)
}

func (s *slowStore) Save(ctx context.Context, r store.Record, previous uint64) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Memory.Save(ctx, r, previous)
}

func (s *slowStore) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	if err := s.wait(ctx); err != nil {
		return store.Account{}, err
	}
	return s.Memory.Active(ctx, scope)
}

func (s *slowStore) SetActive(ctx context.Context, a store.Account) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Memory.SetActive(ctx, a)
}

func (s *slowStore) Lock(ctx context.Context, a store.Account) (func(), error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Memory.Lock(ctx, a)
}

// TestWatchFiles is the story over files: told within a second. The files are real
// and the second is the test's own clock, which stands still while anybody works.
func TestWatchFiles(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		open := func() store.Store {
			s, err := filestore.New(dir)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		p := newFakePool()
		a, b := p.newClient(t, withStore(open())), p.newClient(t, withStore(open()))
		seen := &recorder{}
		stop, _ := b.Subscribe(seen.add)
		within := func(want ...string) {
			t.Helper()
			time.Sleep(time.Second)
			if diff := cmp.Diff(want, seen.names()); diff != "" {
				t.Fatalf("events (-want +got):\n%s", diff)
			}
		}
		signIn(t, a, "alice")
		within("Restored:remote")
		fetch(t, a, ForceRefresh())
		within("Restored:remote", "Refreshed:remote")
		if _, err := a.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		within("Restored:remote", "Refreshed:remote", "SignedOut:remote")
		stop()
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestWatchEnds: the goroutine lives while somebody subscribes, and no longer.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newFakePool().signedIn(t, "alice")
		watching := func() bool {
			synctest.Wait()
			stacks := make([]byte, 1<<20)
			all := string(stacks[:runtime.Stack(stacks, true)])
			bubble := stackBubble(all) // other tests run beside this one
			for stack := range strings.SplitSeq(all, "\n\n") {
				if strings.Contains(stack, bubble) && strings.Contains(stack, "(*Engine).follow(") {
					return true
				}
			}
			return false
		}
		if watching() {
			t.Error("watched without a subscriber")
		}
		first, _ := c.Subscribe(func(Event) {})
		second, _ := c.Subscribe(func(Event) {})
		first()
		first()
		if !watching() {
			t.Error("not watched while there is a subscriber")
		}
		second()
		if watching() {
			t.Error("watched after the last subscriber has left")
		}
		c.Subscribe(func(Event) {})
		if !watching() {
			t.Error("not watched for a new subscriber")
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.Subscribe(func(Event) {}); !errors.Is(err, ErrClosed) {
			t.Errorf("a subscription after Close: %v", err)
		}
		if watching() {
			t.Error("watched after Close")
		}
	})
}

// stackBubble is how the stack of the calling goroutine, which comes first, names
// its synctest bubble.
func stackBubble(stacks string) string {
	head, _, _ := strings.Cut(stacks, "\n")
	_, bubble, _ := strings.Cut(head, "synctest bubble ")
	bubble, _, _ = strings.Cut(bubble, "]")
	return "synctest bubble " + bubble + "]"
}

// TestWatchFails: a store that cannot be watched for a while is watched again.
func TestWatchFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		b := p.newClient(t, withStore(&flickering{Memory: kept, failures: 3}))
		seen := &recorder{}
		b.Subscribe(seen.add)
		fetch(t, b)
		signIn(t, p.newClient(t, withStore(kept)), "alice")
		time.Sleep(10 * time.Second)
		if diff := cmp.Diff([]string{"Restored:remote"}, seen.names()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

type flickering struct {
	*store.Memory
	failures int
}

func (s *flickering) Watch(ctx context.Context, scope store.Scope, changed func()) error {
	if s.failures--; s.failures >= 0 {
		return errDisk
	}
	return s.Memory.Watch(ctx, scope, changed)
}

// TestPeekMends: a record that is found damaged by somebody who only looks after
// the store is put back from memory, and not taken for a sign-out.
func TestPeekMends(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]func(*Client){
		"sweep":    func(c *Client) { time.Sleep(10 * time.Minute); c.engine.Reached() }, // a sweep is due then
		"watch":    func(c *Client) { _, _ = c.Subscribe(func(Event) {}) },
		"accounts": func(c *Client) { _, _ = c.Accounts(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newFakePool()
				kept := &brokenStore{Memory: store.NewMemory()}
				c := p.signedIn(t, "alice", withStore(kept))
				synctest.Wait()
				kept.damaged.Store(true)
				look(c)
				synctest.Wait()
				if kept.damaged.Load() {
					t.Fatal("nobody has looked")
				}
				if r, err := kept.Load(t.Context(), aliceAccount()); err != nil || r.Tokens == nil {
					t.Errorf("the record was not put back: %v", err)
				}
				wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
				if got := p.count(opRefresh); got != 1 {
					t.Errorf("%d refreshes, want 1", got)
				}
			})
		})
	}
}
