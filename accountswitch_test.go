package latchkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/store"

	"pgregory.net/rapid"
)

// TestCredentialsOfNobodyElse: whatever sign-ins, sign-outs, switches and
// federations come between, and however late the identity pool answers, credentials
// are those of the login that is or was active while the caller waited. 1,000
// interleavings, a fifth of them with -short.
func TestCredentialsOfNobodyElse(t *testing.T) {
	t.Parallel()
	const parts, each = 10, 100
	var runs, served atomic.Int64
	t.Run("part", func(t *testing.T) {
		for part := range parts {
			t.Run(fmt.Sprint(part), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(rt *rapid.T) {
					plan := switching{
						locks:  rapid.Bool().Draw(rt, "locks"),
						guests: rapid.Bool().Draw(rt, "guests"),
						two:    rapid.Bool().Draw(rt, "two clients"),
						life:   time.Duration(rapid.IntRange(1, 60).Draw(rt, "life")) * time.Minute,
						delays: rapid.SliceOfN(rapid.IntRange(0, 40), 16, 16).Draw(rt, "delays"),
						steps: rapid.SliceOfN(rapid.SampledFrom([]string{
							"alice", "bob", "out", "carol", "clear", "switch", "fetch", "fetch", "force", "credentials", "credentials", "wait", "age",
						}), 4, 24).Draw(rt, "steps"),
						served: &served,
					}
					var problem error
					synctest.Test(t, func(t *testing.T) { problem = plan.run(t) })
					if runs.Add(1); problem != nil {
						rt.Fatal(problem)
					}
				})
			})
		}
	})
	want := int64(parts * each)
	if testing.Short() {
		want /= 5 // as rapid does
	}
	if runs.Load() < want && !t.Failed() {
		t.Errorf("%d interleavings, want %d", runs.Load(), want)
	}
	if served.Load() < want && !t.Failed() {
		t.Errorf("credentials were handed out %d times, want at least %d", served.Load(), want)
	}
}

// TestLateAnswerToDeletedSession: the answer for a session of another provider that
// was forgotten meanwhile, and whose record's place a guest's has taken since, is
// nobody's. Without locks between callers nothing else keeps the two apart.
func TestLateAnswerToDeletedSession(t *testing.T) {
	t.Parallel()
	for round := range 20 {
		plan := switching{
			guests: true, life: 39 * time.Minute, served: new(atomic.Int64),
			delays: []int{1, 6, 17, 22, 1, 36, 14, 1, 19, 12, 0, 36, 1, 0, 30, 34},
			steps:  []string{"carol", "force", "alice", "force", "out"},
		}
		var problem error
		synctest.Test(t, func(t *testing.T) { problem = plan.run(t) })
		if problem != nil {
			t.Fatalf("round %d: %v", round, problem)
		}
	}
}

// switching is what happens to one client, or to one of two that share a store,
// one thing after the other, with callers of credentials beside it.
type switching struct {
	locks, guests, two bool
	life               time.Duration // of credentials
	delays             []int         // of answers, in milliseconds
	steps              []string
	served             *atomic.Int64

	mu     sync.Mutex
	logins []string // subjects, one a step; the last is active, or about to be
}

func (plan *switching) run(t *testing.T) error {
	p := newFakePool()
	p.identity.life = plan.life
	p.after = func(_ string, answer *http.Response) (*http.Response, error) {
		p.mu.Lock()
		delay := plan.delays[(p.serial+p.identity.serial)%len(plan.delays)]
		p.mu.Unlock()
		time.Sleep(time.Duration(delay) * time.Millisecond)
		return answer, nil
	}
	var kept store.Store = store.NewMemory()
	if !plan.locks {
		kept = struct{ store.Store }{kept}
	}
	c := p.newClient(t, withStore(kept), withIdentityPool(plan.guests))
	other := c
	if plan.two {
		other = p.newClient(t, withStore(kept), withIdentityPool(plan.guests))
	}
	plan.logins = []string{""}
	var group sync.WaitGroup
	problems := make(chan error, len(plan.steps)+1)
	for i, step := range plan.steps {
		plan.step(t, c, step)
		if who := []*Client{c, other}[i%2]; step == "fetch" || step == "force" || step == "credentials" {
			plan.mu.Lock()
			since := len(plan.logins) - 1
			plan.mu.Unlock()
			group.Go(func() {
				if err := plan.caller(p, who, step, since, who == c); err != nil {
					problems <- fmt.Errorf("step %d, %s: %w", i, step, err)
				}
			})
		}
	}
	group.Wait()
	// When all is quiet, both clients are of one mind, and have what is theirs.
	time.Sleep(2 * time.Second)
	if err := plan.caller(p, c, "fetch", len(plan.logins)-1, true); err != nil {
		problems <- fmt.Errorf("at the end: %w", err)
	}
	select {
	case err := <-problems:
		return fmt.Errorf("%w (logins %q)", err, plan.logins)
	default:
		return nil
	}
}

// step does one thing, and notes whose session it leads to before and after.
func (plan *switching) step(t *testing.T, c *Client, step string) {
	note := func(subject string) {
		plan.mu.Lock()
		defer plan.mu.Unlock()
		plan.logins = append(plan.logins, subject)
	}
	now := plan.logins[len(plan.logins)-1]
	switch step {
	case "alice", "bob":
		note("sub-of-" + step)
		signIn(t, c, step)
		note("sub-of-" + step)
	case "out":
		note("")
		_, _ = c.SignOut(context.Background())
		note("")
	case "carol":
		note("carol")
		if _, err := c.Federate(context.Background(), Federation{Provider: testProvider, Token: providerToken("carol")}); err != nil {
			note(now)
		} else {
			note("carol")
		}
	case "clear":
		if err := c.ClearFederation(context.Background()); err == nil && now == "carol" {
			note("")
		}
	case "switch":
		note("sub-of-alice")
		if c.SwitchAccount(context.Background(), "alice") != nil {
			note(now)
		} else {
			note("sub-of-alice")
		}
	case "wait":
		time.Sleep(25 * time.Millisecond)
	case "age":
		time.Sleep(plan.life * 3 / 4)
	}
}

// caller asks once, and checks that what he is given belongs to one of the logins
// that were active since, and to the session that it came with.
func (plan *switching) caller(p *fakePool, c *Client, how string, since int, own bool) error {
	var session *Session
	var credentials Credentials
	var err error
	switch how {
	case "credentials":
		credentials, err = c.FetchCredentials(context.Background())
	case "force":
		session, err = c.FetchSession(context.Background(), ForceRefresh())
	default:
		session, err = c.FetchSession(context.Background())
	}
	if session != nil {
		credentials, err = session.Credentials()
	}
	if err != nil {
		if expected := errors.Is(err, ErrGuestsDisabled) || errors.Is(err, ErrSignedOut); !expected && !errors.Is(err, ErrNeedsSignIn) {
			return fmt.Errorf("no credentials: %w", err)
		}
		return nil
	}
	plan.served.Add(1)
	id, subject := p.ownerOf(credentials.AccessKeyID)
	plan.mu.Lock()
	active := slices.Clone(plan.logins[max(0, since-1):])
	plan.mu.Unlock()
	// Another client over the store learns of a change when it next looks.
	if own && !slices.Contains(active, subject) {
		return fmt.Errorf("credentials of %q, logins since %q", subject, active)
	}
	if session == nil {
		return nil
	}
	sub, _ := session.UserSub()
	if sub != subject && session.Provider() == "" || session.Provider() != "" && subject != "carol" {
		return fmt.Errorf("credentials of %q in the session of %q", subject, sub+session.Provider())
	}
	if identityOf(session) != id {
		return fmt.Errorf("credentials of identity %s in a session of %s", id, identityOf(session))
	}
	return nil
}
