package userpool_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/testlength"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
	"github.com/latchkey-auth/latchkey/server/storage/sqlite"
)

// TestTortureParallelRefreshes: a hundred refreshes with one token at once make one
// generation step, and give everybody the same successor.
func TestTortureParallelRefreshes(t *testing.T) {
	t.Parallel()
	const parallel = 100
	for name, open := range map[string]func(t *testing.T) storage.Store{
		"memory": func(*testing.T) storage.Store { return memory.New() },
		"sqlite": func(t *testing.T) storage.Store {
			store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			pools, client, token, session := rotatingSession(t, store)
			n := testlength.Rounds(t, 20)
			for round := range n {
				var mu sync.Mutex
				successors := map[wire.Sensitive]int{}
				var group sync.WaitGroup
				for range parallel {
					group.Go(func() {
						out, err := pools.Tokens.GetTokensFromRefreshToken(t.Context(), &wire.GetTokensFromRefreshTokenRequest{ClientId: client, RefreshToken: token})
						if err != nil {
							t.Errorf("round %d: %v", round, err)
							return
						}
						mu.Lock()
						successors[out.AuthenticationResult.RefreshToken]++
						mu.Unlock()
					})
				}
				group.Wait()
				if len(successors) != 1 || successors[token] != 0 {
					t.Fatalf("round %d: %d successors", round, len(successors))
				}
				for token = range successors {
				}
				if got := generation(t, store, session); got != int64(round+2) {
					t.Fatalf("round %d: generation %d", round, got)
				}
			}
			t.Logf("%s: %d rounds of %d parallel refreshes: %d generation steps, no fork", name, n, parallel, n)
		})
	}
}

func generation(t *testing.T, store storage.Store, id string) (n int64) {
	t.Helper()
	err := store.View(t.Context(), func(tx storage.Tx) error {
		session, err := tx.Sessions.Session(id)
		n = session.Generation
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// issuerOf is the issuer of a pool.
func issuerOf(poolID string) string { return "https://issuer.example/" + poolID }

// rotatingSession makes a session whose client rotates. Its tokens are not
// really signed: it is the row that is tried here.
func rotatingSession(t *testing.T, store storage.Store, change ...func(*userpool.Config)) (pools *userpool.Service, client string, token wire.Sensitive, session string) {
	t.Helper()
	box, err := seal.New(bytes.Repeat([]byte{3}, 32))
	if err != nil {
		t.Fatal(err)
	}
	ring := keys.NewRing(store, box, keys.Options{
		Generate: func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		Sign:     func(*rsa.PrivateKey, []byte) ([]byte, error) { return make([]byte, 256), nil },
	})
	t.Cleanup(func() {
		_ = ring.Close()
		_ = store.Close()
	})
	config := userpool.Config{Pool: pool.Config{Storage: store, Box: box, Keys: ring, Issuer: issuerOf}}
	for _, f := range change {
		f(&config)
	}
	pools = userpool.New(config)
	ctx := context.Background()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	created, err := pools.Admin.CreateUserPool(ctx, &wire.CreateUserPoolRequest{PoolName: "rotation"})
	check(err)
	request := &wire.CreateUserPoolClientRequest{UserPoolId: created.UserPool.Id, ClientName: "rotation"}
	request.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth}
	request.RefreshTokenRotation = &wire.RefreshTokenRotationType{Feature: wire.FeatureEnabled, RetryGracePeriodSeconds: new(int32(60))}
	made, err := pools.Admin.CreateUserPoolClient(ctx, request)
	check(err)
	client = made.UserPoolClient.ClientId
	_, err = pools.Accounts.AdminCreateUser(ctx, &wire.AdminCreateUserRequest{UserPoolId: created.UserPool.Id, Username: "ann", MessageAction: wire.MessageActionSuppress})
	check(err)
	_, err = pools.Accounts.AdminSetUserPassword(ctx, &wire.AdminSetUserPasswordRequest{UserPoolId: created.UserPool.Id, Username: "ann", Password: password, Permanent: true})
	check(err)
	in, err := pools.SignIn.InitiateAuth(ctx, &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: client,
		AuthParameters: wire.Parameters{"USERNAME": "ann", "PASSWORD": password},
	})
	check(err)
	return pools, client, in.AuthenticationResult.RefreshToken, pooltest.Claims(t, in.AuthenticationResult.AccessToken).EventID()
}

// TestLostAnswers: with the option a rotated token is good until its successor is
// used, for a day at most, and not a moment longer.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		lost, after  time.Duration
		used, refuse bool
	}{
		{"without the option, in the grace period", 0, 59 * time.Second, false, false},
		{"without the option, after it", 0, 61 * time.Second, false, true},
		{"a lost answer", time.Hour, 59 * time.Minute, false, false},
		{"too late", time.Hour, 61 * time.Minute, false, true},
		{"a day is the most", 48 * time.Hour, 25 * time.Hour, false, true},
		{"the successor was used", time.Hour, time.Second, true, true},
		{"less than the client's grace", time.Second, 59 * time.Second, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			pools, client, first, _ := rotatingSession(t, memory.New(), func(c *userpool.Config) {
				c.Tokens.LostAnswers = test.lost
				c.Pool.Now = func() time.Time { return now }
			})
			refresh := func(token wire.Sensitive) (wire.Sensitive, error) {
				out, err := pools.Tokens.GetTokensFromRefreshToken(t.Context(), &wire.GetTokensFromRefreshTokenRequest{ClientId: client, RefreshToken: token})
				if err != nil {
					return "", err
				}
				return out.AuthenticationResult.RefreshToken, nil
			}
			second, err := refresh(first)
			if err != nil {
				t.Fatal(err)
			}
			if test.used {
				if second, err = refresh(second); err != nil {
					t.Fatal(err)
				}
			}
			now = now.Add(test.after)
			again, err := refresh(first)
			if !test.refuse {
				if err != nil || again != second {
					t.Fatalf("the same successor was due: %v", err)
				}
				return
			}
			wantException(t, err, wire.RefreshTokenReuseException, wire.MessageRefreshTokenReuse)
			_, err = refresh(second)
			wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
		})
	}
}

// TestReplayAfterRestart: a rotated token that comes back after the service
// was started again is still known to have been used.
func TestReplayAfterRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	open := func() storage.Store {
		store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	store := open()
	pools, client, first, _ := rotatingSession(t, store)
	refresh := func(pools *userpool.Service, token wire.Sensitive) (wire.Sensitive, error) {
		out, err := pools.Tokens.GetTokensFromRefreshToken(t.Context(), &wire.GetTokensFromRefreshTokenRequest{ClientId: client, RefreshToken: token})
		if err != nil {
			return "", err
		}
		return out.AuthenticationResult.RefreshToken, nil
	}
	second, err := refresh(pools, first)
	if err != nil {
		t.Fatal(err)
	}
	third, err := refresh(pools, second)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	box, err := seal.New(bytes.Repeat([]byte{3}, 32))
	if err != nil {
		t.Fatal(err)
	}
	store = open()
	ring := keys.NewRing(store, box, keys.Options{})
	t.Cleanup(func() {
		_ = ring.Close()
		_ = store.Close()
	})
	again := userpool.New(userpool.Config{Pool: pool.Config{Storage: store, Box: box, Keys: ring, Issuer: issuerOf}})
	_, err = refresh(again, first)
	wantException(t, err, wire.RefreshTokenReuseException, wire.MessageRefreshTokenReuse)
	_, err = refresh(again, third)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenRevoked)
}

// TestSuccessorInheritsTheRest: rotation does not prolong a session.
func TestSuccessorInheritsTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
		c.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserPasswordAuth}
		c.RefreshTokenRotation = &wire.RefreshTokenRotationType{Feature: wire.FeatureEnabled, RetryGracePeriodSeconds: new(int32(0))}
		c.RefreshTokenValidity = new(int32(1)) // day
	})
	w.addUser("ann")
	token := w.signIn("ann").RefreshToken
	for range 5 {
		w.advance(4 * time.Hour)
		result, err := w.refresh(token)
		if err != nil {
			t.Fatal(err)
		}
		token = result.RefreshToken
	}
	w.advance(4*time.Hour + time.Minute)
	_, err := w.refresh(token)
	wantException(t, err, wire.NotAuthorizedException, wire.MessageRefreshTokenExpired)
}

// TestRevocationLifeOfLostAnswers: tokens that were issued to the holder of a
// rotated token count too.
func TestRevocationLifeOfLostAnswers(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	store := memory.New()
	pools, client, first, id := rotatingSession(t, store, func(c *userpool.Config) {
		c.Tokens.LostAnswers = 24 * time.Hour
		c.Pool.Now = func() time.Time { return now }
	})
	var reissued *wire.AuthenticationResultType
	for _, after := range []time.Duration{0, 23*time.Hour + 30*time.Minute} {
		now = now.Add(after)
		out, err := pools.Tokens.GetTokensFromRefreshToken(t.Context(), &wire.GetTokensFromRefreshTokenRequest{ClientId: client, RefreshToken: first})
		if err != nil {
			t.Fatal(err)
		}
		reissued = out.AuthenticationResult
	}
	if _, err := pools.Tokens.RevokeToken(t.Context(), &wire.RevokeTokenRequest{ClientId: client, Token: first}); err != nil {
		t.Fatal(err)
	}
	expires := pooltest.Claims(t, reissued.AccessToken).Expiry()
	err := store.View(t.Context(), func(tx storage.Tx) error {
		session, err := tx.Sessions.Session(id)
		if err != nil {
			return err
		}
		list, err := tx.Revocations.List(session.PoolID, 0, 10)
		if len(list) != 1 || !list[0].Until.Equal(expires.Add(3*time.Minute)) {
			t.Errorf("entries %+v, want one until %v", list, expires.Add(3*time.Minute))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
