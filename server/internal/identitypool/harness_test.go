package identitypool_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/identitypool"
	"github.com/latchkey-auth/latchkey/server/internal/openid/openidtest"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Roles of the test pools.
const (
	userRole  = "arn:aws:iam::000000000000:role/user"
	guestRole = "arn:aws:iam::000000000000:role/guest"
)

func roleNamed(name string) string { return "arn:aws:iam::000000000000:role/" + name }

// here allows providers on this machine.
var here = plug.Providers{AllowLoopback: true}

// testKeys makes two RSA keys once, since making keys takes long. The first signs the
// identities' own tokens, the second those of the user pool.
var testKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var made [2]*rsa.PrivateKey
	for i := range made {
		made[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return made
})

// harness is a Service over memory with a fake user pool and a fake broker.
type harness struct {
	t          *testing.T
	service    *identitypool.Service
	operations map[string]wire.Handler
	store      storage.Store
	ring       *keys.Ring
	users      *fakeUserPool
	log        *safeBuffer
	offset     atomic.Int64
	still      atomic.Pointer[time.Time] // the time, without offset, of a stopped clock
	identities string                    // the identity pool's id
	broker     func(context.Context, plug.Grant) (plug.Credentials, error)
}

// newHarness makes a Service with an identity pool for the user pool's users and for
// guests; change edits the request that makes it.
func newHarness(t *testing.T, change func(*wire.IdentityPoolSettings)) *harness {
	t.Helper()
	h := newService(t, nil)
	h.identities = h.addIdentityPool(change)
	return h
}

// newService makes a Service without an identity pool; configure edits its Config.
func newService(t *testing.T, configure func(*identitypool.Config)) *harness {
	t.Helper()
	h := &harness{t: t, store: memory.New(), log: &safeBuffer{}}
	h.users = newFakeUserPool(t, h.now)
	box, err := seal.New(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	h.ring = keys.NewRing(h.store, box, keys.Options{Now: h.now, Generate: func() (*rsa.PrivateKey, error) { return testKeys()[0], nil }})
	config := identitypool.Config{
		Storage: h.store, Box: box, Keys: h.ring, Issuer: func(pool string) string { return "https://ids.example.com/" + pool },
		UserPools: h.users, Broker: brokerFunc(h.credentials), Now: h.now,
		Logger: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if configure != nil {
		configure(&config)
	}
	h.service = identitypool.New(config)
	h.operations = h.service.Operations()
	t.Cleanup(func() {
		_ = h.ring.Close()
		_ = h.store.Close()
	})
	return h
}

func (h *harness) now() time.Time {
	now := time.Now()
	if still := h.still.Load(); still != nil {
		now = *still
	}
	return now.Add(time.Duration(h.offset.Load()))
}

func (h *harness) advance(d time.Duration) { h.offset.Add(int64(d)) }

// stopClock makes advance the only way to move the clock.
func (h *harness) stopClock() { h.still.Store(new(time.Now())) }

// call performs an operation.
func call[Response any](h *harness, operation string, request any) (*Response, error) {
	h.t.Helper()
	body, err := wire.Marshal(request)
	if err != nil {
		h.t.Fatal(err)
	}
	response, err := h.operations[operation](context.Background(), body)
	if err != nil {
		return nil, err
	}
	return response.(*Response), nil
}

// must is call for what has to succeed.
func must[Response any](h *harness, operation string, request any) *Response {
	h.t.Helper()
	response, err := call[Response](h, operation, request)
	if err != nil {
		h.t.Fatalf("%s: %v", operation, err)
	}
	return response
}

func (h *harness) addIdentityPool(change func(*wire.IdentityPoolSettings)) string {
	h.t.Helper()
	request := &wire.CreateIdentityPoolRequest{IdentityPoolSettings: wire.IdentityPoolSettings{
		IdentityPoolName: "test", AllowUnauthenticatedIdentities: new(true),
		CognitoIdentityProviders: []wire.CognitoIdentityProvider{{
			ProviderName: h.awsKey(), ClientId: fakeClient, ServerSideTokenCheck: new(true),
		}},
	}}
	if change != nil {
		change(&request.IdentityPoolSettings)
	}
	id := must[wire.CreateIdentityPoolResponse](h, "CreateIdentityPool", request).IdentityPoolId
	h.setRoles(id, nil)
	return id
}

func (h *harness) setRoles(poolID string, mappings map[string]wire.RoleMapping) {
	h.t.Helper()
	must[wire.SetIdentityPoolRolesResponse](h, "SetIdentityPoolRoles", &wire.SetIdentityPoolRolesRequest{IdentityPoolRoles: wire.IdentityPoolRoles{
		IdentityPoolId: poolID, RoleMappings: mappings,
		Roles: map[string]string{wire.RoleAuthenticated: userRole, wire.RoleUnauthenticated: guestRole},
	}})
}

// The two Logins keys of the user pool.
func (h *harness) awsKey() string    { return "cognito-idp.us-east-1.amazonaws.com/" + fakePool }
func (h *harness) issuerKey() string { return "auth.example.com/" + fakePool }

// signIn returns the Logins of a user of the user pool, with a new ID token.
func (h *harness) signIn(user string, claims map[string]any) wire.Parameters {
	h.t.Helper()
	return wire.Parameters{h.awsKey(): h.users.idToken(user, claims)}
}

// getID is GetId in the identity pool; nil is a guest.
func (h *harness) getID(logins wire.Parameters) (string, error) {
	h.t.Helper()
	out, err := call[wire.GetIdResponse](h, "GetId", &wire.GetIdRequest{IdentityPoolId: h.identities, Logins: logins})
	if err != nil {
		return "", err
	}
	return out.IdentityId, nil
}

func (h *harness) mustID(logins wire.Parameters) string {
	h.t.Helper()
	id, err := h.getID(logins)
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *harness) getCredentials(id string, logins wire.Parameters) (*wire.GetCredentialsForIdentityResponse, error) {
	h.t.Helper()
	return call[wire.GetCredentialsForIdentityResponse](h, "GetCredentialsForIdentity",
		&wire.GetCredentialsForIdentityRequest{IdentityId: id, Logins: logins})
}

func (h *harness) mustCredentials(id string, logins wire.Parameters) *wire.GetCredentialsForIdentityResponse {
	h.t.Helper()
	out, err := h.getCredentials(id, logins)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// countIdentities is how many the identity pool has, disabled ones included.
func (h *harness) countIdentities() int {
	h.t.Helper()
	n := 0
	err := h.store.View(context.Background(), func(tx storage.Tx) error {
		list, err := tx.Identities.List(h.identities, false, "", 10_000)
		n = len(list)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// brokerFunc is a broker made of a function.
type brokerFunc func(context.Context, plug.Grant) (plug.Credentials, error)

func (f brokerFunc) Credentials(ctx context.Context, g plug.Grant) (plug.Credentials, error) {
	return f(ctx, g)
}

// credentials is the harness's broker. It puts the grant into the credentials.
func (h *harness) credentials(ctx context.Context, g plug.Grant) (plug.Credentials, error) {
	if h.broker != nil {
		return h.broker(ctx, g)
	}
	return plug.Credentials{
		AccessKeyID: "ASIATEST", SecretAccessKey: plug.NewSecret(g.RoleARN),
		SessionToken: plug.NewSecret(g.IdentityID + " " + g.Provider + " " + g.Subject), Expiration: h.now().Add(g.Life),
	}, nil
}

// The ids of the fake user pool and its app client.
const (
	fakePool   = "us-east-1_Users0001"
	fakeClient = "1example23456789abcdefghij"
)

// fakeUserPool issues and verifies ID tokens in place of the user pools' room.
type fakeUserPool struct {
	t        *testing.T
	now      func() time.Time
	verifier *jwt.Verifier
	issued   atomic.Int64
	ended    sync.Map // subjects of users who signed out
}

func newFakeUserPool(t *testing.T, now func() time.Time) *fakeUserPool {
	t.Helper()
	u := &fakeUserPool{t: t, now: now}
	var err error
	u.verifier, err = jwt.NewVerifier(jwt.Config{Issuer: u.Issuer(fakePool), AnyClient: true, Keys: oneKey{&testKeys()[1].PublicKey}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// oneKey is a key source that has one key under every id.
type oneKey struct{ *rsa.PublicKey }

func (k oneKey) Key(context.Context, string) (*rsa.PublicKey, error) { return k.PublicKey, nil }

// idToken issues an ID token with the user's name as subject; claims replaces some of its
// claims.
func (u *fakeUserPool) idToken(user string, claims map[string]any) string {
	u.t.Helper()
	now := u.now().Unix()
	all := map[string]any{
		"iss": u.Issuer(fakePool), "sub": user, "aud": fakeClient, "token_use": "id", "iat": now, "auth_time": now, "exp": now + 3600,
		"jti": fmt.Sprint("jti-", u.issued.Add(1)), "cognito:username": user,
	}
	maps.Copy(all, claims)
	return openidtest.Sign(u.t, testKeys()[1], "user-pool-key", all)
}

func (u *fakeUserPool) Issuer(poolID string) string { return "https://auth.example.com/" + poolID }

func (u *fakeUserPool) KnownIssuer(_ context.Context, poolID, issuer string) (bool, error) {
	return poolID == fakePool && (issuer == u.Issuer(poolID) || issuer == "older.example.com/"+poolID), nil
}

func (u *fakeUserPool) VerifyID(ctx context.Context, _, token string) (*jwt.IDToken, error) {
	return u.verifier.VerifyID(ctx, token)
}

func (u *fakeUserPool) Active(_ context.Context, token *jwt.IDToken) (bool, error) {
	_, ended := u.ended.Load(token.Subject())
	return !ended, nil
}

// safeBuffer is a bytes.Buffer for several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// wantException checks type and text of an error.
func wantException(t *testing.T, err error, typ, message string) {
	t.Helper()
	want := typ + ": " + message
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func wantRefusal(t *testing.T, name string, err error, message string) {
	t.Helper()
	if want := wire.NotAuthorizedException + ": " + message; err == nil || err.Error() != want {
		t.Errorf("%s: error %v, want %s", name, err, want)
	}
}

func wantType(t *testing.T, name string, err error, typ string) {
	t.Helper()
	if !wire.IsException(err, typ) {
		t.Errorf("%s: error %v, want %s", name, err, typ)
	}
}
