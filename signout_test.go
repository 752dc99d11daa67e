package latchkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestSignOut(t *testing.T) {
	t.Parallel()
	offline := func(string, *http.Request) (*http.Response, error) { return nil, errLost }
	tests := []struct {
		name     string
		prepare  func(*fakePool)
		sign     func(context.Context, *Client) (SignOutReport, error)
		want     SignOutReport // without errors
		kind     error
		cause    string
		revoked  bool // at the service
		revokes  int
		globals  int
		refreshs int
	}{
		{name: "plain", want: SignOutReport{Username: "alice", Local: true, Revoked: true}, cause: "local", revoked: true, revokes: 1},
		{name: "local only", want: SignOutReport{Username: "alice", Local: true}, cause: "local",
			sign: func(ctx context.Context, c *Client) (SignOutReport, error) { return c.SignOut(ctx, LocalOnly()) }},
		{name: "offline", prepare: func(p *fakePool) { p.script = offline }, want: SignOutReport{Username: "alice", Local: true, Queued: true},
			kind: ErrNetwork, cause: "local", revokes: 1},
		{name: "cancelled", want: SignOutReport{Username: "alice", Local: true, Queued: true}, kind: context.Canceled, cause: "local",
			sign: func(ctx context.Context, c *Client) (SignOutReport, error) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return c.SignOut(ctx)
			}},
		{name: "global", want: SignOutReport{Username: "alice", Local: true, Revoked: true, Global: true}, cause: "global", revoked: true,
			revokes: 1, globals: 1, sign: func(ctx context.Context, c *Client) (SignOutReport, error) { return c.GlobalSignOut(ctx) }},
		{name: "global, stale token", want: SignOutReport{Username: "alice", Local: true, Revoked: true, Global: true}, cause: "global", revoked: true,
			revokes: 1, globals: 1, refreshs: 1, sign: func(ctx context.Context, c *Client) (SignOutReport, error) {
				time.Sleep(2 * time.Hour)
				return c.GlobalSignOut(ctx)
			}},
		{name: "global, offline", prepare: func(p *fakePool) { p.script = offline }, want: SignOutReport{Username: "alice", Local: true, Queued: true},
			kind: ErrNetwork, cause: "local", revokes: 1, globals: 1,
			sign: func(ctx context.Context, c *Client) (SignOutReport, error) { return c.GlobalSignOut(ctx) }},
		{name: "captive portal", want: SignOutReport{Username: "alice", Local: true, Queued: true}, kind: ErrNetwork, cause: "local", revokes: 1,
			prepare: func(p *fakePool) {
				p.script = func(string, *http.Request) (*http.Response, error) { return reply(200, "text/html", "<html>"), nil }
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), store.NewMemory()
				c := p.signedIn(t, "alice", withStore(kept))
				seen := &recorder{}
				c.Subscribe(func(e Event) {
					if e.Kind == EventSignedOut {
						seen.add(e)
					}
				})
				if tt.prepare != nil {
					p.set(tt.prepare)
				}
				if tt.sign == nil {
					tt.sign = func(ctx context.Context, c *Client) (SignOutReport, error) { return c.SignOut(ctx) }
				}
				report, err := tt.sign(t.Context(), c)
				if tt.kind == nil && err != nil || tt.kind != nil && !errors.Is(err, tt.kind) {
					t.Errorf("error %v, want %v", err, tt.kind)
				}
				if diff := cmp.Diff(tt.want, report, cmpopts.IgnoreUnexported(SignOutReport{})); diff != "" {
					t.Errorf("report (-want +got):\n%s", diff)
				}
				for _, client := range []*Client{c, p.newClient(t, withStore(kept))} {
					if _, err := fetch(t, client).Tokens(); !errors.Is(err, ErrSignedOut) {
						t.Errorf("Tokens: %v", err)
					}
				}
				// A second time there is nothing to do, and it is no error.
				if again, err := c.SignOut(t.Context()); err != nil || again.Revoked {
					t.Errorf("again: %+v, %v", again, err)
				}
				synctest.Wait()
				if diff := cmp.Diff([]string{"SignedOut:" + tt.cause}, seen.names()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if got := [...]int{p.count("RevokeToken"), p.count("GlobalSignOut"), p.count(opRefresh)}; got != [...]int{tt.revokes, tt.globals, tt.refreshs} {
					t.Errorf("revokes, global sign-outs, refreshes = %v", got)
				}
				if p.revoked("refresh-alice-2") != tt.revoked {
					t.Errorf("revoked at the service = %t", !tt.revoked)
				}
			})
		})
	}
}

// TestLateRefresh: a refresh that lands after the sign-out is thrown away and its
// token revoked, whether or not somebody has signed in since.
func TestLateRefresh(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"", "alice", "bob"} {
		t.Run("then "+next, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), store.NewMemory()
				p.rotate = true
				c := p.signedIn(t, "alice", withStore(kept))
				seen := &recorder{}
				c.Subscribe(seen.add)
				var group sync.WaitGroup
				p.set(func(p *fakePool) {
					p.after = func(op string, answer *http.Response) (*http.Response, error) {
						if op == opRefresh {
							time.Sleep(3 * time.Second) // the answer is on its way
						}
						return answer, nil
					}
				})
				group.Go(func() {
					s := fetch(t, c, ForceRefresh())
					if tokens, err := s.Tokens(); next != "alice" && err == nil && tokens.Access.Username() == "alice" {
						t.Error("the caller got tokens of a session that is over")
					}
				})
				time.Sleep(time.Second)
				if _, err := c.SignOut(t.Context()); err != nil {
					t.Fatal(err)
				}
				want := []string{"SignedOut:local"}
				if next != "" {
					signIn(t, c, next)
					want = append(want, "SignedIn")
				}
				time.Sleep(10 * time.Second)
				group.Wait()
				if !p.revoked("refresh-alice-3") {
					t.Error("the late refresh token was not revoked")
				}
				if next == "" {
					if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrSignedOut) {
						t.Errorf("Tokens: %v", err)
					}
				} else {
					wantTokens(t, fetch(t, c), next)
					wantTokens(t, fetch(t, p.newClient(t, withStore(kept))), next)
				}
				synctest.Wait()
				if got := seen.names(); next != "alice" && !cmp.Equal(want, got) {
					t.Errorf("events %v, want %v", got, want)
				}
			})
		})
	}
}

// TestSignOutBrokenStore: nobody is handed the session again by this client, the
// failure is told, and the sign-out reaches the store later.
func TestSignOutBrokenStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newFakePool()
		kept := &deletelessStore{brokenStore{Memory: store.NewMemory()}}
		c := p.signedIn(t, "alice", withStore(kept))
		kept.save.Store(true)
		report, err := c.SignOut(t.Context())
		if report.Local || !report.Revoked || !errors.Is(err, ErrStore) {
			t.Errorf("SignOut = %+v, %v", report, err)
		}
		for range 5 {
			time.Sleep(2 * time.Second)
			if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrSignedOut) {
				t.Fatalf("Tokens: %v", err)
			}
		}
		kept.save.Store(false)
		time.Sleep(2 * time.Minute)
		if _, err := fetch(t, p.newClient(t, withStore(kept))).Tokens(); !errors.Is(err, ErrSignedOut) {
			t.Errorf("from the store: %v", err)
		}
	})
}

type deletelessStore struct{ brokenStore }

func (s *deletelessStore) Delete(context.Context, store.Account) error { return errDisk }

// TestSignOutUnreadable: a session that cannot be read can be signed out of.
func TestSignOutUnreadable(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	kept := &brokenStore{Memory: store.NewMemory()}
	p.signedIn(t, "alice", withStore(kept))
	kept.load.Store(true)
	c := p.newClient(t, withStore(kept))
	report, err := c.SignOut(t.Context())
	if err != nil || !report.Local || report.Username != "alice" {
		t.Errorf("SignOut = %+v, %v", report, err)
	}
	kept.load.Store(false)
	if _, err := fetch(t, p.newClient(t, withStore(kept))).Tokens(); !errors.Is(err, ErrSignedOut) {
		t.Errorf("Tokens: %v", err)
	}
	kept.active.Store(true)
	if report, err := p.newClient(t, withStore(kept)).SignOut(t.Context()); !errors.Is(err, ErrStore) || report.Local {
		t.Errorf("SignOut of who knows whom = %+v, %v", report, err)
	}
}

// TestInterleavings: whatever the order of sign-ins, refreshes and sign-outs, and
// however slow the answers, a caller that begins after a sign-in has returned
// gets tokens of that user or of a later one, and none after a sign-out.
func TestInterleavings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		plan := interleaving{
			rotate: rapid.Bool().Draw(rt, "rotate"), locks: rapid.Bool().Draw(rt, "locks"),
			watched: rapid.Bool().Draw(rt, "watched"),
			delays:  rapid.SliceOfN(rapid.IntRange(0, 40), 16, 16).Draw(rt, "delays"),
			steps:   rapid.SliceOfN(rapid.SampledFrom([]string{"alice", "bob", "out", "refresh", "refresh", "wait"}), 4, 24).Draw(rt, "steps"),
		}
		var problem error
		synctest.Test(t, func(t *testing.T) { problem = plan.run(t) })
		if problem != nil {
			rt.Fatal(problem)
		}
	})
}

// interleaving is what happens to one client, one thing after the other, with
// refreshes beside it.
type interleaving struct {
	rotate, locks bool
	watched       bool  // also by this client, which must not take its own doing for another's
	delays        []int // of answers, in milliseconds
	steps         []string
}

func (plan interleaving) run(t *testing.T) error {
	p := newFakePool()
	p.rotate = plan.rotate
	p.after = func(_ string, answer *http.Response) (*http.Response, error) {
		p.mu.Lock()
		delay := plan.delays[p.serial%len(plan.delays)]
		p.mu.Unlock()
		time.Sleep(time.Duration(delay) * time.Millisecond)
		return answer, nil
	}
	var kept store.Store = store.NewMemory()
	if !plan.locks {
		kept = struct {
			store.Store
			store.Watcher
		}{kept, kept.(store.Watcher)}
	}
	c := p.newClient(t, withStore(kept))
	if plan.watched {
		defer listen(t, c, func(Event) {})()
	}
	var group sync.WaitGroup
	want := "" // who is signed in
	for i, step := range plan.steps {
		switch step {
		case "alice", "bob":
			signIn(t, c, step)
			want = step
		case "out":
			if _, err := c.SignOut(t.Context()); err != nil {
				return err
			}
			want = ""
		case "refresh":
			group.Go(func() { _, _ = c.FetchSession(context.Background(), ForceRefresh()) })
		case "wait":
			time.Sleep(25 * time.Millisecond)
		}
		if err := checkUser(fetch(t, c), want); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, step, err)
		}
	}
	group.Wait()
	synctest.Wait()
	later := p.newClient(t, withStore(kept))
	if err := errors.Join(checkUser(fetch(t, c), want), checkUser(fetch(t, later), want)); err != nil || want == "" {
		return err
	}
	return checkUser(fetch(t, later, ForceRefresh()), want) // what was kept is worth something
}

func checkUser(s *Session, want string) error {
	tokens, err := s.Tokens()
	switch {
	case want == "" && !errors.Is(err, ErrSignedOut):
		return fmt.Errorf("signed out, and Tokens says %v, %v", tokens.Access, err)
	case want != "" && err != nil:
		return fmt.Errorf("signed in as %s, and Tokens says %w", want, err)
	case want != "" && tokens.Access.Username() != want:
		return fmt.Errorf("tokens of %s after the sign-in of %s", tokens.Access.Username(), want)
	}
	return nil
}
