package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/store"
)

// family is the sessions of one sign-in at the model's service.
type family struct {
	tokens  []string // all refresh tokens, the present one last
	rotated time.Time
	revoked bool
}

// modelPool is a service with rotation, a grace period and detection of reuse. It answers
// after a while, and can lose one answer.
type modelPool struct {
	mu       sync.Mutex
	issuer   testPool
	families []*family
	lose     bool      // the next answer
	lost     time.Time // when one was lost
	down     bool
	latency  time.Duration
	grace    time.Duration // how long it takes a rotated token, with the same successor
	reused   []string
}

// of is the family of a refresh token. p.mu is held.
func (p *modelPool) of(token string) *family {
	for _, f := range p.families {
		if slices.Contains(f.tokens, token) {
			return f
		}
	}
	return nil
}

// issue makes a grant of a family with its present refresh token. p.mu is held.
func (p *modelPool) issue(f *family) cognito.Grant {
	p.issuer.origin = fmt.Sprint("origin of ", f.tokens[0])
	g := p.issuer.grant()
	g.Refresh = store.NewSecret(f.tokens[len(f.tokens)-1])
	return g
}

// signIn is the grant of a new sign-in.
func (p *modelPool) signIn() cognito.Grant {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &family{tokens: []string{fmt.Sprintf("%d.0", len(p.families))}}
	p.families = append(p.families, f)
	return p.issue(f)
}

func (p *modelPool) Refresh(_ context.Context, r store.Record) (cognito.Grant, error) {
	time.Sleep(p.latency / 2)
	defer time.Sleep(p.latency / 2)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return cognito.Grant{}, errUnreached
	}
	sent := r.Tokens.Refresh.Reveal()
	f := p.of(sent)
	if f == nil || f.revoked {
		return cognito.Grant{}, refusal
	}
	last := len(f.tokens) - 1
	switch {
	case sent == f.tokens[last]:
		f.tokens = append(f.tokens, fmt.Sprintf("%s.%d", strings.SplitN(sent, ".", 2)[0], len(f.tokens)))
		f.rotated = time.Now()
	case last == 0 || sent != f.tokens[last-1] || time.Since(f.rotated) >= p.grace:
		f.revoked = true
		p.reused = append(p.reused, sent)
		return cognito.Grant{}, refusal
	}
	// A client that finds two answers in a row lost cannot know what became of its token.
	if p.lose && p.grace > 0 && time.Since(p.lost) > 5*p.grace {
		p.lose, p.lost = false, time.Now()
		return cognito.Grant{}, retryable(errUnreached.Class, 0)
	}
	return p.issue(f), nil
}

func (p *modelPool) Revoke(_ context.Context, refresh store.Secret) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return errUnreached
	}
	if f := p.of(refresh.Reveal()); f != nil {
		f.revoked = true
	}
	return nil
}

// set changes the service while calls are in progress.
func (p *modelPool) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// world is two programs that share a store and a service.
type world struct {
	t          *testing.T
	pool       *modelPool
	identities *fakeIdentityPool
	kept       *scriptedStore
	engines    [2]*Engine
	calls      sync.WaitGroup
	mu         sync.Mutex
	ended      []string // refresh tokens of sessions that were signed out
}

func newWorld(t *testing.T, latency, grace time.Duration) *world {
	w := &world{t: t, pool: &modelPool{latency: latency, grace: grace}, identities: &fakeIdentityPool{}, kept: newScriptedStore()}
	w.identities.before = func(context.Context) error { time.Sleep(latency); return nil }
	for i := range w.engines {
		w.engines[i] = w.program()
	}
	return w
}

// program is another program over the store.
func (w *world) program() *Engine {
	c := withIdentities(w.kept, nil, w.identities)
	c.UserPool = w.pool
	return newEngine(w.t, c)
}

// act lets a program do something; at once, or beside the others.
func (w *world) act(what string, e *Engine) {
	switch what {
	case "fetch":
		_, _ = e.Fetch(w.t.Context(), Want{})
	case "refresh":
		_, _ = e.Fetch(w.t.Context(), Want{Force: true, TokensOnly: true})
	case "keys":
		_, _ = e.Fetch(w.t.Context(), Want{Force: true, CredentialsOnly: true})
	case "sign in":
		_ = e.Establish(w.t.Context(), w.pool.signIn(), How{})
	case "sign out":
		over, err := e.End(w.t.Context(), EndOptions{})
		if err != nil || over.Refresh.IsZero() {
			return
		}
		_, _ = e.Revoke(w.t.Context(), over)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended = append(w.ended, over.Refresh.Reveal())
	}
}

// step carries out one word of a story.
func (w *world) step(word string) {
	who, what, _ := strings.Cut(word, " ")
	switch word {
	case "sleep":
		time.Sleep(40 * time.Minute)
	case "A restart", "B restart":
		i := map[string]int{"A": 0, "B": 1}[who]
		if err := w.engines[i].Close(); err != nil {
			w.t.Errorf("Close: %v", err)
		}
		w.engines[i] = w.program()
	case "lose the next answer":
		w.pool.set(func() { w.pool.lose = true })
	case "service down for a while":
		w.calls.Wait()
		w.pool.set(func() { w.pool.down = true })
		w.calls.Go(func() { w.act("refresh", w.engines[0]) })
		w.calls.Go(func() { w.act("sign out", w.engines[1]) })
		time.Sleep(time.Minute)
		w.calls.Wait()
		w.pool.set(func() { w.pool.down = false })
	case "store full for a while": // one program alone: the other cannot know of its tokens
		w.calls.Wait()
		w.kept.set(nil, always(errDisk))
		w.act("refresh", w.engines[0])
		w.act("refresh", w.engines[0])
		w.kept.set(nil, nil)
		time.Sleep(2 * lastBackoff)
	default:
		e := w.engines[map[string]int{"A": 0, "B": 1}[who]]
		w.calls.Go(func() { w.act(what, e) })
	}
}

// verdict says what is wrong when all has come to rest; empty if nothing is.
func (w *world) verdict() string {
	w.calls.Wait()
	for range 3 { // revocations that wait are sent
		time.Sleep(sweepEvery)
		for _, e := range w.engines {
			e.Reached()
		}
		synctest.Wait()
	}
	for _, e := range w.engines { // without a watch it learns of the other by asking
		w.act("refresh", e)
		time.Sleep(time.Minute)
	}
	r, err := w.kept.Memory.Load(w.t.Context(), alice)
	if err != nil {
		return fmt.Sprint("the store: ", err)
	}
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if len(w.pool.reused) > 0 {
		return fmt.Sprintf("refresh tokens were sent again: %q", w.pool.reused)
	}
	if live(r) {
		f := w.pool.of(r.Tokens.Refresh.Reveal())
		if f.revoked || r.Tokens.Refresh.Reveal() != f.tokens[len(f.tokens)-1] {
			return fmt.Sprintf("the store holds %s of %+v", r.Tokens.Refresh.Reveal(), *f)
		}
	} else if r.Ended == nil || r.Ended.Reason != SignedOutReason {
		return fmt.Sprintf("the session ended by itself: %+v", r)
	}
	for _, token := range w.ended {
		if f := w.pool.of(token); !f.revoked {
			return fmt.Sprintf("the session of %s was signed out and is not revoked", token)
		}
	}
	if shared := w.sharedIdentity(); shared != "" {
		return shared + " of a user was asked for by a guest"
	}
	for i, e := range w.engines {
		if s, err := e.Ready(w.t.Context()); err != nil || s.Live() != live(r) || s.user.unsaved() {
			return fmt.Sprintf("program %d: %v, signed in %t, in the store %t", i, err, s.Live(), live(r))
		}
	}
	return ""
}

// sharedIdentity is an identity that was a user's and then a guest's; empty if there is none.
func (w *world) sharedIdentity() string {
	users := map[string]bool{}
	for _, step := range w.identities.taken() {
		words := strings.Fields(step)
		if words[0] != "keys" {
			continue
		}
		if words[2] == "guest" && users[words[1]] {
			return words[1]
		}
		users[words[1]] = users[words[1]] || words[2] != "guest"
	}
	return ""
}

// TestProgramsAgree tells random stories of two programs over one store: whatever they do
// beside each other, no refresh token is sent twice, no session ends but by a sign-out,
// what was signed out is revoked, no guest has a user's identity, and both show what the
// store holds when they have asked the service again.
func TestProgramsAgree(t *testing.T) {
	t.Parallel()
	words := []string{
		"A fetch", "B fetch", "A refresh", "B refresh", "A refresh", "B refresh", "A keys", "B keys", "A sign in", "B sign in",
		"A sign out", "B sign out", "A restart", "B restart", "sleep", "lose the next answer", "service down for a while", "store full for a while",
	}
	rounds := 10
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		rapid.Check(t, func(rt *rapid.T) { tell(t, rt, words) })
	}
}

// tell tells one story.
func tell(t *testing.T, rt *rapid.T, words []string) {
	rt.Helper()
	story := rapid.SliceOfN(rapid.SampledFrom(words), 1, 20).Draw(rt, "story")
	pauses := rapid.SliceOfN(rapid.IntRange(0, 4000), len(story), len(story)).Draw(rt, "pauses")
	latency := time.Duration(rapid.IntRange(0, 3000).Draw(rt, "latency")) * time.Millisecond
	grace := rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(rt, "grace")
	watched := rapid.Bool().Draw(rt, "watched")
	wrong := ""
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, latency, grace)
		w.act("sign in", w.engines[0])
		for _, e := range w.engines {
			w.act("fetch", e)
			if watched {
				collect(t, e)
			}
		}
		for i, word := range story {
			w.step(word)
			time.Sleep(time.Duration(pauses[i]) * time.Millisecond)
		}
		wrong = w.verdict()
	})
	if wrong != "" {
		rt.Fatal(wrong)
	}
}
