package server_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// securityModule is a plug.Signer whose keys survive restarts of the service. While failure
// is set, Sign fails.
type securityModule struct {
	mu      sync.Mutex
	keys    map[string]*rsa.PrivateKey
	failure error
	signed  int
}

func (m *securityModule) CreateKey(_ context.Context, r plug.KeyRequest) (plug.SigningKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return plug.SigningKey{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	handle := fmt.Sprintf("%s/%d", r.PoolID, len(m.keys))
	m.keys[handle] = key
	return plug.SigningKey{Handle: handle, Public: &key.PublicKey}, nil
}

func (m *securityModule) Sign(_ context.Context, handle string, digest [32]byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failure != nil {
		return nil, m.failure
	}
	m.signed++
	return rsa.SignPKCS1v15(nil, m.keys[handle], crypto.SHA256, digest[:])
}

func (m *securityModule) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failure = err
}

// embedding is a program that embeds the service, calls it in-process and can restart it.
type embedding struct {
	t            *testing.T
	store        storage.Store
	key          server.SealingKey
	offset       time.Duration
	service      *server.Server
	pool, client string
}

// newEmbedding makes a service with a pool, a user "ann" and a client that rotates refresh
// tokens without a grace period.
func newEmbedding(t *testing.T, signer plug.Signer) *embedding {
	t.Helper()
	store := memory.New()
	t.Cleanup(func() { store.Close() })
	e := &embedding{t: t, store: store, key: server.NewKey()}
	e.restart(signer)
	e.provision(map[string]any{"RefreshTokenRotation": map[string]any{"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}})
	return e
}

// provision makes the pool, the user and the client, with more settings of the client.
func (e *embedding) provision(client map[string]any) {
	e.t.Helper()
	var pool struct {
		UserPool struct {
			ID string `json:"Id"`
		}
	}
	e.must("CreateUserPool", map[string]any{"PoolName": "staff"}, &pool)
	e.pool = pool.UserPool.ID
	settings := map[string]any{"UserPoolId": e.pool, "ClientName": "app", "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH"}}
	maps.Copy(settings, client)
	var made struct {
		UserPoolClient struct {
			ClientID string `json:"ClientId"`
		}
	}
	e.must("CreateUserPoolClient", settings, &made)
	e.client = made.UserPoolClient.ClientID
	e.must("AdminCreateUser", map[string]any{"UserPoolId": e.pool, "Username": "ann", "MessageAction": "SUPPRESS"}, nil)
	e.must("AdminSetUserPassword", map[string]any{"UserPoolId": e.pool, "Username": "ann", "Password": password, "Permanent": true}, nil)
}

// restart makes the service anew on its storage.
func (e *embedding) restart(signer plug.Signer) {
	e.t.Helper()
	service, err := server.New(server.Config{
		Storage: e.store, SealingKeys: []server.SealingKey{e.key}, PublicURL: "https://auth.example.com", Signer: signer,
		Now: func() time.Time { return time.Now().Add(e.offset) },
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { service.Close() })
	e.service = service
}

func (e *embedding) must(operation string, in, out any) {
	e.t.Helper()
	if err := e.service.Call(e.t.Context(), operation, in, out); err != nil {
		e.t.Fatal(err)
	}
}

// issued are the tokens of a sign-in or refresh.
type issued struct{ AccessToken, RefreshToken string }

func (e *embedding) signIn() (issued, error) {
	var out struct{ AuthenticationResult issued }
	err := e.service.Call(e.t.Context(), "InitiateAuth", map[string]any{
		"ClientId": e.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "ann", "PASSWORD": password},
	}, &out)
	return out.AuthenticationResult, err
}

func (e *embedding) refresh(token string) (issued, error) {
	var out struct{ AuthenticationResult issued }
	err := e.service.Call(e.t.Context(), "GetTokensFromRefreshToken", map[string]any{"ClientId": e.client, "RefreshToken": token}, &out)
	return out.AuthenticationResult, err
}

func (e *embedding) rotate() { e.must("RotateSigningKeys", map[string]any{"UserPoolId": e.pool}, nil) }

// accepts checks that the service takes an access token, and publishes its key.
func (e *embedding) accepts(what, token string) {
	e.t.Helper()
	if err := e.service.Call(e.t.Context(), "GetUser", map[string]any{"AccessToken": token}, nil); err != nil {
		e.t.Errorf("%s: %v", what, err)
	}
	answer := httptest.NewRecorder()
	e.service.ServeHTTP(answer, httptest.NewRequestWithContext(e.t.Context(), http.MethodGet, "/"+e.pool+"/.well-known/jwks.json", nil))
	if kid := keyIDOf(e.t, token); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `"`+kid+`"`) {
		e.t.Errorf("%s: key set with status %d lacks key %s", what, answer.Code, kid)
	}
}

// mustIssue signs in and checks the access token.
func (e *embedding) mustIssue(what string) issued {
	e.t.Helper()
	tokens, err := e.signIn()
	if err != nil {
		e.t.Fatalf("%s: %v", what, err)
	}
	e.accepts(what, tokens.AccessToken)
	return tokens
}

func keyIDOf(t *testing.T, token string) string {
	t.Helper()
	segment, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	var header struct{ Kid string }
	if err := json.Unmarshal(text, &header); err != nil || header.Kid == "" {
		t.Fatalf("header of the token: %s, %v", text, err)
	}
	return header.Kid
}

// TestSignerThroughRestartAndRotation serves with a Signer, restarts and rotates: the tokens
// from before stay good.
func TestSignerThroughRestartAndRotation(t *testing.T) {
	t.Parallel()
	module := &securityModule{keys: map[string]*rsa.PrivateKey{}}
	e := newEmbedding(t, module)
	first := e.mustIssue("first start")
	e.restart(module)
	e.accepts("a token from before the restart", first.AccessToken)
	refreshed, err := e.refresh(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	e.rotate()
	e.offset = 50 * time.Minute
	e.accepts("a token from before the rotation", refreshed.AccessToken)
	e.offset = 65 * time.Minute
	e.restart(module)
	last := e.mustIssue("after the rotation")
	if keyIDOf(t, last.AccessToken) == keyIDOf(t, first.AccessToken) {
		t.Error("the rotated key signs")
	}
	if module.signed != 10 || len(module.keys) != 4 {
		t.Errorf("the module made %d signatures and %d keys, want 10 (a proof of each key included) and 4", module.signed, len(module.keys))
	}
}

// TestFailingSignerKeepsSession refreshes while the Signer fails: the refresh token, which is
// good for one refresh only, works when the Signer does.
func TestFailingSignerKeepsSession(t *testing.T) {
	t.Parallel()
	module := &securityModule{keys: map[string]*rsa.PrivateKey{}}
	e := newEmbedding(t, module)
	tokens := e.mustIssue("sign-in")
	module.fail(errors.New("module offline"))
	for range 5 {
		_, err := e.refresh(tokens.RefreshToken)
		if !errors.Is(err, &server.Error{Code: "InternalErrorException"}) || !strings.Contains(err.Error(), "module offline") {
			t.Errorf("a refresh without signatures: %v", err)
		}
	}
	if _, err := e.signIn(); !errors.Is(err, &server.Error{Code: "InternalErrorException"}) {
		t.Errorf("a sign-in without signatures: %v", err)
	}
	e.accepts("the access token meanwhile", tokens.AccessToken)
	module.fail(nil)
	next, err := e.refresh(tokens.RefreshToken)
	if err != nil {
		t.Fatalf("the same refresh token afterwards: %v", err)
	}
	e.accepts("the new access token", next.AccessToken)
	if _, err := e.refresh(next.RefreshToken); err != nil {
		t.Errorf("the next refresh token: %v", err)
	}
}

// TestRemovedSigner starts without the Signer: tokens are verified and keys published, new
// tokens are refused with an error that names the setting, and a rotation mends it at once.
func TestRemovedSigner(t *testing.T) {
	t.Parallel()
	module := &securityModule{keys: map[string]*rsa.PrivateKey{}}
	e := newEmbedding(t, module)
	tokens := e.mustIssue("with the Signer")
	e.restart(nil)
	e.accepts("a token of the Signer", tokens.AccessToken)
	for name, try := range map[string]func() (issued, error){
		"sign-in": e.signIn, "refresh": func() (issued, error) { return e.refresh(tokens.RefreshToken) },
	} {
		if _, err := try(); !errors.Is(err, &server.Error{Code: "InternalErrorException"}) || !strings.Contains(err.Error(), "Config.Signer") {
			t.Errorf("%s without the Signer: %v", name, err)
		}
	}
	e.rotate()
	next, err := e.refresh(tokens.RefreshToken)
	if err != nil {
		t.Fatalf("after the rotation: %v", err)
	}
	e.accepts("a token of the key in storage", next.AccessToken)
	e.accepts("a token of the Signer after the rotation", tokens.AccessToken)
	e.restart(module)
	e.accepts("with the Signer again", next.AccessToken)
	e.mustIssue("with the Signer again")
}
