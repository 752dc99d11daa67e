package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/http"
	"runtime"

	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// identityPool makes an identity pool for the world's app client and gives the
// demo user's identity there.
func (w *world) identityPool() (id string, err error) {
	ctx := context.Background()
	pool, err := perform[wire.CreateIdentityPoolResponse](ctx, w.handler, "CreateIdentityPool", &wire.CreateIdentityPoolRequest{IdentityPoolSettings: wire.IdentityPoolSettings{
		IdentityPoolName: "bench", AllowUnauthenticatedIdentities: new(false),
		CognitoIdentityProviders: []wire.CognitoIdentityProvider{{ProviderName: w.provider(), ClientId: w.client, ServerSideTokenCheck: new(true)}},
	}})
	if err != nil {
		return "", err
	}
	err = w.handler.Call(ctx, "SetIdentityPoolRoles", &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
		IdentityPoolId: pool.IdentityPoolId, Roles: map[string]string{"authenticated": "arn:aws:iam::000000000000:role/bench"},
	}}, nil)
	if err != nil {
		return "", err
	}
	var out wire.GetIdResponse
	err = w.perform(wire.IdentityPools, "GetId", &wire.GetIdRequest{
		IdentityPoolId: pool.IdentityPoolId, Logins: wire.Parameters{w.provider(): string(w.tokens.IdToken)},
	}, &out)
	return out.IdentityId, err
}

func (w *world) provider() string { return "cognito-idp.us-east-1.amazonaws.com/" + w.pool }

// newIDToken refreshes, for an ID token that the service has not seen yet.
func (w *world) newIDToken() (string, error) {
	var out wire.GetTokensFromRefreshTokenResponse
	err := w.call("GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{ClientId: w.client, RefreshToken: w.tokens.RefreshToken}, &out)
	if err != nil {
		return "", err
	}
	return string(out.AuthenticationResult.IdToken), nil
}

// unread is an answer that nobody reads.
type unread struct {
	header http.Header
	status int
}

func (u *unread) Header() http.Header         { return u.header }
func (u *unread) Write(b []byte) (int, error) { return len(b), nil }
func (u *unread) WriteHeader(status int)      { u.status = status }

// benchIdentity measures GetCredentialsForIdentity with the own broker beside
// what it cannot do without: one verification, one seal, one read by key.
func benchIdentity(b *bench) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	w, err := newWorld(nil)
	if err != nil {
		return err
	}
	defer w.close()
	identity, err := w.identityPool()
	if err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte("bench"))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		return err
	}
	box, err := seal.New(make([]byte, seal.KeySize))
	if err != nil {
		return err
	}
	var failed error
	repeat := func(f func() error) func(int) {
		return func(n int) {
			for range n {
				if err := f(); err != nil {
					failed = err
				}
			}
		}
	}
	// What the caller does, such as writing the request, is not the service's.
	var calls []*http.Request
	prepare := func(token func() (string, error)) func(int) {
		return func(n int) {
			calls = calls[:0]
			for range n {
				text, err := token()
				if err != nil {
					failed = err
				}
				r, err := newCall(wire.IdentityPools, "GetCredentialsForIdentity", &wire.GetCredentialsForIdentityRequest{
					IdentityId: identity, Logins: wire.Parameters{w.provider(): text},
				})
				if err != nil {
					failed = err
				}
				calls = append(calls, r)
			}
		}
	}
	serve := func(n int) {
		for _, r := range calls[:n] {
			answer := &unread{header: make(http.Header)}
			if w.handler.ServeHTTP(answer, r); answer.status != http.StatusOK {
				failed = fmt.Errorf("GetCredentialsForIdentity: status %d", answer.status)
			}
		}
	}
	claims := make([]byte, 512)
	results := measure.Rounds(b.rounds,
		measure.Contestant{Name: "one RS256 verification (crypto/rsa)", Op: repeat(func() error {
			return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature)
		})},
		measure.Contestant{Name: "one AEAD seal of 512 bytes", Op: repeat(func() error {
			box.Seal("bench", claims, nil)
			return nil
		})},
		measure.Contestant{Name: "one read by key (SQLite, not from memory)", Op: repeat(func() error {
			return w.store.View(context.Background(), func(tx storage.Tx) error {
				_, err := tx.Codes.Code(w.pool, "nobody", "bench")
				if err == nil {
					return fmt.Errorf("found what is not there")
				}
				return nil
			})
		})},
		measure.Contestant{Name: "GetCredentialsForIdentity, a token not seen before", Prepare: prepare(w.newIDToken), Op: serve},
		measure.Contestant{Name: "GetCredentialsForIdentity, the same token again", Prepare: prepare(func() (string, error) { return string(w.tokens.IdToken), nil }), Op: serve})
	floor := []measure.Part{results[0].Times(1), results[1].Times(1), results[2].Times(1)}
	var rows [][]string
	for _, r := range results {
		rows = append(rows, []string{r.Name, r.Range(), r.Over(floor...).String()})
	}
	b.table([]string{"in process, SQLite, own broker, one core", "CPU", "of verification, seal and read"}, rows)
	ratio := results[3].Over(floor...)
	fmt.Fprintf(b.out, "\nRate: %.3g of one verification, one seal and one read.\n", 1/ratio.Median)
	b.atLeast(0.5, 1/ratio.Median, "GetCredentialsForIdentity, own broker: of the rate of one RS256 verification, one seal and one indexed read")
	return failed
}
