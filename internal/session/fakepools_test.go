package session

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

const (
	testIdentityPool   = "us-east-1:pool"
	testIdentityOrigin = "https://identities.example"
)

// fakeIdentityPool is an identity pool below the wire. It keeps one identity per login,
// makes a new one for each guest, and issues credentials of one hour.
type fakeIdentityPool struct {
	mu     sync.Mutex
	serial int
	steps  []string          // "id LOGIN" and "keys IDENTITY LOGIN"
	known  map[string]string // identities by login
	fail   func(step string) error
	before func(ctx context.Context) error // runs before each answer, without p.mu
}

// step notes a call, numbers it and says how it fails.
func (p *fakeIdentityPool) step(ctx context.Context, words ...string) (serial int, err error) {
	if p.before != nil {
		if err := p.before(ctx); err != nil {
			return 0, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	step := strings.Join(words, " ")
	p.steps = append(p.steps, step)
	if p.fail == nil {
		return p.serial, nil
	}
	return p.serial, p.fail(step)
}

// loginOf names who asks: a user's provider with the sub of the token, or a guest.
func loginOf(logins map[string]string) string {
	for provider, token := range logins {
		subject := "?"
		if read, err := jwt.Decode(token); err == nil {
			subject = read.Subject()
		}
		return subject + "@" + provider
	}
	return "guest"
}

func (p *fakeIdentityPool) Identify(ctx context.Context, logins map[string]string) (string, error) {
	login := loginOf(logins)
	serial, err := p.step(ctx, "id", login)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if id := p.known[login]; id != "" {
		return id, nil
	}
	id := fmt.Sprintf("us-east-1:%d", serial)
	if len(logins) > 0 {
		if p.known == nil {
			p.known = map[string]string{}
		}
		p.known[login] = id
	}
	return id, nil
}

func (p *fakeIdentityPool) Issue(ctx context.Context, identity string, logins map[string]string, _ cognito.Clock) (cognito.Issued, error) {
	serial, err := p.step(ctx, "keys", identity, loginOf(logins))
	if err != nil {
		return cognito.Issued{}, err
	}
	now := time.Now()
	key := fmt.Sprintf("key-%d", serial)
	return cognito.Issued{Identity: identity, Received: now, Life: time.Hour, Credentials: store.Credentials{
		AccessKeyID: key, SecretAccessKey: store.NewSecret("s"), SessionToken: store.NewSecret(key),
		Expiration: now.Round(0).Add(time.Hour), ReceivedAt: now.Round(0),
	}}, nil
}

// taken returns the steps since the last call.
func (p *fakeIdentityPool) taken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	steps := p.steps
	p.steps = nil
	return steps
}

// failing makes the steps fail that begin with one of the prefixes, each so many times.
func (p *fakeIdentityPool) failing(times map[string]int, class fault.Class) {
	times = maps.Clone(times) // parallel tests share the one given
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = func(step string) error {
		for prefix := range times {
			if times[prefix] > 0 && strings.HasPrefix(step, prefix) {
				times[prefix]--
				return fault.OfClass("op", class, "")
			}
		}
		return nil
	}
}

// withIdentities is a configuration with an identity pool that has guests.
func withIdentities(kept store.Store, p *testPool, identities *fakeIdentityPool) Config {
	return Config{
		Store: kept, UserPool: p, IdentityPool: identities, Guests: true, IdentityPoolID: testIdentityPool, IdentityOrigin: testIdentityOrigin,
	}
}

// keys are the access keys that a fetch gives out, or its error.
func keys(t *testing.T, e *Engine, want Want) (string, error) {
	t.Helper()
	v, err := e.Fetch(t.Context(), want)
	if err != nil {
		return "", err
	}
	c, err := v.Credentials()
	return c.AccessKeyID, err
}

// wantSteps compares the calls to an identity pool since the last look.
func wantSteps(t *testing.T, p *fakeIdentityPool, want ...string) {
	t.Helper()
	if got := p.taken(); !slices.Equal(got, want) {
		t.Errorf("calls %q, want %q", got, want)
	}
}

// aliceLogin is alice at the user pool of testPool.
const aliceLogin = "sub-1@pool/us-east-1_Test00001"
