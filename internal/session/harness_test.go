package session

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

var testScope = store.Scope{PoolID: "us-east-1_Test00001", ClientID: "client"}

// testPool is a user pool that issues tokens of one hour to one user and rotates
// refresh tokens. It implements UserPool below the wire, which the root's tests cover.
type testPool struct {
	mu      sync.Mutex
	serial  int
	refresh string // the one that is good
	calls   int
	// answer, if set, changes what a refresh answers.
	answer func(cognito.Grant) (cognito.Grant, error)
	before func() // runs before a refresh is answered
}

func (p *testPool) token(use string, now time.Time) wire.Sensitive {
	payload := fmt.Sprintf(`{"sub":"sub-1","username":"alice","cognito:username":"alice","token_use":%q,"iss":"https://pool/us-east-1_Test00001",`+
		`"client_id":"client","aud":"client","origin_jti":"origin","jti":"%d","iat":%d,"exp":%d}`, use, p.serial, now.Unix(), now.Add(time.Hour).Unix())
	encode := base64.RawURLEncoding.EncodeToString
	return wire.Sensitive(encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode([]byte(payload)) + "." + encode([]byte("signature")))
}

// grant issues the next tokens. p.mu is held.
func (p *testPool) grant() cognito.Grant {
	p.serial++
	p.refresh = fmt.Sprintf("refresh-%d", p.serial)
	now := time.Now()
	g, err := cognito.NewGrant(cognito.OpRefresh, &wire.AuthenticationResultType{
		AccessToken: p.token("access", now), IdToken: p.token("id", now), RefreshToken: wire.Sensitive(p.refresh),
	}, cognito.Timing{At: now}, cognito.Audience{ClientID: "client", AcceptsIssuer: func(string) bool { return true }})
	if err != nil {
		panic(err)
	}
	return g
}

func (p *testPool) Refresh(_ context.Context, r store.Record) (cognito.Grant, error) {
	if p.before != nil {
		p.before()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if got := r.Tokens.Refresh.Reveal(); got != p.refresh {
		return cognito.Grant{}, fmt.Errorf("refresh token %s, want %s", got, p.refresh)
	}
	g := p.grant()
	if p.answer != nil {
		return p.answer(g)
	}
	return g, nil
}

func (p *testPool) Revoke(context.Context, store.Secret) error { return nil }

func (p *testPool) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// signedIn is an engine with a session of alice.
func signedIn(t *testing.T, p *testPool, kept store.Store) *Engine {
	t.Helper()
	e := New(Config{Scope: testScope, Store: kept, UserPool: p, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { _ = e.Close() })
	p.mu.Lock()
	g := p.grant()
	p.mu.Unlock()
	if err := e.Establish(t.Context(), g, How{SignIn: &store.SignIn{LoginID: "alice"}}); err != nil {
		t.Fatal(err)
	}
	return e
}

// wantTokens fetches good tokens.
func wantTokens(t *testing.T, e *Engine, want Want) Tokens {
	t.Helper()
	v, err := e.Fetch(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := v.Tokens()
	if err != nil {
		t.Fatalf("Tokens: %v", err)
	}
	return tokens
}
