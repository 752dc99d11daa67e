package latchkey

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// rewriteClaims changes the claims of the tokens in the answers to refreshes.
func rewriteClaims(change func(claims map[string]any)) func(string, *http.Response) (*http.Response, error) {
	return replaceTokens(func(token string) string {
		claims := map[string]any{}
		_ = json.Unmarshal([]byte(decodedPayload(token)), &claims)
		change(claims)
		return signless(claims)
	})
}

func replaceTokens(change func(token string) string) func(string, *http.Response) (*http.Response, error) {
	return func(op string, answer *http.Response) (*http.Response, error) {
		if op != opRefresh || answer.StatusCode != http.StatusOK {
			return answer, nil
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, err
		}
		var response wire.GetTokensFromRefreshTokenResponse
		if err := wire.Unmarshal(body, &response); err != nil {
			return nil, err
		}
		result := response.AuthenticationResult
		result.AccessToken = wire.Sensitive(change(string(result.AccessToken)))
		result.IdToken = wire.Sensitive(change(string(result.IdToken)))
		return success(response), nil
	}
}

// TestRefusedAnswerKeepsItsToken checks an answer that rotated the refresh token and is
// refused otherwise, though it is of the same sign-in: its refresh token is stored with
// the one before it, the call is not repeated, and the session goes on once the cause is
// repaired.
func TestRefusedAnswerKeepsItsToken(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) { claims[name] = value }
	}
	for name, tt := range map[string]struct {
		after func(string, *http.Response) (*http.Response, error)
		kind  error
	}{
		"issuer":        {rewriteClaims(set("iss", "https://other.example/us-east-1_Other")), ErrWrongAccount},
		"client":        {rewriteClaims(func(c map[string]any) { c["client_id"], c["aud"] = "another", "another" }), ErrWrongAccount},
		"use":           {rewriteClaims(set("token_use", "refresh")), ErrService},
		"no use":        {rewriteClaims(func(c map[string]any) { delete(c, "token_use") }), ErrService},
		"expired":       {rewriteClaims(set("exp", 1)), ErrService},
		"no iat":        {rewriteClaims(func(c map[string]any) { delete(c, "iat") }), ErrService},
		"too large":     {rewriteClaims(set("cognito:groups", []string{strings.Repeat("g", 60_000)})), ErrService},
		"no user name":  {rewriteClaims(func(c map[string]any) { delete(c, "username") }), ErrService},
		"no origin_jti": {rewriteClaims(func(c map[string]any) { delete(c, "origin_jti"); c["iss"] = "https://other.example/x" }), ErrWrongAccount},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { checkRefusedAnswer(t, tt.after, tt.kind) })
		})
	}
}

func checkRefusedAnswer(t *testing.T, after func(string, *http.Response) (*http.Response, error), kind error) {
	p, kept := newFakePool(), store.NewMemory()
	c := p.signedIn(t, "alice", withStore(kept))
	failed := &recorder{}
	listen(t, c, failed.add)
	before, err := kept.Load(t.Context(), aliceAccount())
	if err != nil {
		t.Fatal(err)
	}
	p.set(func(p *fakePool) { p.rotate, p.after = true, after }) // a token is good once
	time.Sleep(2 * time.Hour)
	session := fetch(t, c)
	if _, err := session.Tokens(); !errors.Is(err, kind) || !session.SignedIn() {
		t.Fatalf("Tokens: %v, want %v; signed in = %t", err, kind, session.SignedIn())
	}
	if got := p.count(opRefresh); got != 1 {
		t.Errorf("%d calls, want 1", got)
	}
	stored, err := kept.Load(t.Context(), aliceAccount())
	if err != nil || stored.Tokens.Refresh.Equal(before.Tokens.Refresh) || !stored.Tokens.Former.Equal(before.Tokens.Refresh) ||
		!stored.Tokens.Access.Equal(before.Tokens.Access) {
		t.Errorf("stored: %+v, %v; want the new refresh token and the old one", stored.Tokens, err)
	}
	p.set(func(p *fakePool) { p.after = nil })
	time.Sleep(2 * time.Minute)
	wantTokens(t, fetch(t, c), "alice")
	// Another program over the store goes on as well.
	time.Sleep(2 * time.Hour)
	wantTokens(t, fetch(t, p.newClient(t, withStore(kept))), "alice")
	if stored, err = kept.Load(t.Context(), aliceAccount()); err != nil || !stored.Tokens.Former.IsZero() {
		t.Errorf("the token before the last is still kept: %v", err)
	}
	synctest.Wait()
	if names := failed.names(); len(names) < 2 || names[0] != "RefreshFailed" || names[1] != "Refreshed" {
		t.Errorf("events %v", names)
	}
}

// TestRefusedAnswerFallsBack checks that the token before is tried when the one of a
// refused answer turns out to be worthless.
func TestRefusedAnswerFallsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.signedIn(t, "alice", withStore(kept))
		change(t, kept, func(r *store.Record) {
			r.Tokens.Former, r.Tokens.Refresh = r.Tokens.Refresh, NewSecret("worthless")
		})
		time.Sleep(2 * time.Hour)
		wantTokens(t, fetch(t, c), "alice")
		stored, err := kept.Load(t.Context(), aliceAccount())
		if err != nil || stored.Tokens.Refresh.Reveal() == "worthless" || !stored.Tokens.Former.IsZero() || p.count(opRefresh) != 2 {
			t.Errorf("stored %v %v, %d calls", stored.Tokens.Refresh.Reveal(), err, p.count(opRefresh))
		}
		// Where both are refused, the session is over.
		change(t, kept, func(r *store.Record) {
			r.Tokens.Former, r.Tokens.Refresh = NewSecret("worthless too"), NewSecret("worthless")
		})
		time.Sleep(2 * time.Hour)
		if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrSessionExpired) || p.count(opRefresh) != 4 {
			t.Errorf("Tokens: %v after %d calls", err, p.count(opRefresh))
		}
	})
}

// TestAnswerAboutAnotherUser checks that such an answer stores nothing and is not asked
// for again; one that does not say whose it is counts as no answer.
func TestAnswerAboutAnotherUser(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after func(string, *http.Response) (*http.Response, error)
		calls int
		kind  error
	}{
		"another user":    {rewriteClaims(func(c map[string]any) { c["sub"], c["username"], c["cognito:username"] = "sub-of-bob", "bob", "bob" }), 1, ErrWrongAccount},
		"another sign-in": {rewriteClaims(func(c map[string]any) { c["origin_jti"], c["iss"] = "other", "https://x" }), 1, ErrWrongAccount},
		"no tokens":       {replaceTokens(func(string) string { return "garbage" }), 2, ErrService},
		"no JSON": {func(op string, _ *http.Response) (*http.Response, error) {
			return reply(200, wire.ContentType, "{"), nil
		}, 2, ErrService},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, kept := newFakePool(), store.NewMemory()
				p.rotate = tt.calls == 1 // a lost answer is asked for again inside the grace period
				c := p.signedIn(t, "alice", withStore(kept))
				before, _ := kept.Load(t.Context(), aliceAccount())
				p.set(func(p *fakePool) { p.after = tt.after })
				time.Sleep(2 * time.Hour)
				session := fetch(t, c)
				if _, err := session.Tokens(); !errors.Is(err, tt.kind) || !session.SignedIn() || p.count(opRefresh) != tt.calls {
					t.Errorf("Tokens: %v after %d calls, want %v after %d", err, p.count(opRefresh), tt.kind, tt.calls)
				}
				after, err := kept.Load(t.Context(), aliceAccount())
				if err != nil || !after.Tokens.Refresh.Equal(before.Tokens.Refresh) || !after.Tokens.Former.IsZero() {
					t.Errorf("stored %+v, %v", after.Tokens, err)
				}
			})
		})
	}
}

// TestRefusedAnswerOnBrokenStore checks that a token that could not be stored either is
// stored as soon as the store works again.
func TestRefusedAnswerOnBrokenStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), &brokenStore{Memory: store.NewMemory()}
		c := p.signedIn(t, "alice", withStore(kept))
		p.set(func(p *fakePool) {
			p.rotate = true
			p.after = rewriteClaims(func(c map[string]any) { c["iss"] = "https://other.example/x" })
		})
		time.Sleep(2 * time.Hour)
		kept.save.Store(true)
		if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrWrongAccount) {
			t.Fatalf("Tokens: %v", err)
		}
		p.set(func(p *fakePool) { p.after = nil })
		kept.save.Store(false)
		time.Sleep(2 * time.Minute)
		wantTokens(t, fetch(t, p.newClient(t, withStore(kept))), "alice")
	})
}

// TestRefusedSignInIsRevoked checks that the refresh token of a sign-in whose answer is
// refused is not left alive at the service.
func TestRefusedSignInIsRevoked(t *testing.T) {
	t.Parallel()
	p := newFakePool()
	c := p.newClient(t)
	p.set(func(p *fakePool) { p.issuer = "https://other.example/x" })
	if _, err := c.SignIn(context.Background(), Password("alice", testSecret)); !errors.Is(err, ErrWrongAccount) {
		t.Fatalf("SignIn: %v", err)
	}
	if token := p.sent("RevokeToken")["Token"]; token == "" || !p.revoked(token) {
		t.Errorf("token %q was not revoked", token)
	}
}
