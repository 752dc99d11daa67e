package userpool_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/outbox"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "Correct-Horse-9"

// world has one pool and one client. Its operations are called by their names, with the
// JSON of the API in between.
type world struct {
	t            *testing.T
	service      *userpool.Service
	ring         *keys.Ring
	table        map[string]wire.Handler
	store        storage.Store
	offset       atomic.Int64
	still        atomic.Pointer[time.Time] // what the clock shows, offset left out, once it stands still
	log          *safeBuffer
	outbox       *outbox.Outbox
	pool, client string
	issuer       func(poolID string) string
}

// safeBuffer is a bytes.Buffer for many goroutines.
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

// testKeys makes three RSA keys once. Every world begins with them, since making keys
// takes a while; those of a rotation are new.
var testKeys = sync.OnceValue(func() [3]*rsa.PrivateKey {
	var made [3]*rsa.PrivateKey
	for i := range made {
		made[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return made
})

// newWorld makes a world; change edits the requests that make its pool and client.
func newWorld(t *testing.T, change func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest)) *world {
	t.Helper()
	w := &world{t: t, store: memory.New(), log: &safeBuffer{}, outbox: outbox.New(nil)}
	host := "https://" + strings.ToLower(rand.Text()) + ".example/"
	w.issuer = func(poolID string) string { return host + poolID }
	box, err := seal.New(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	var made atomic.Int64
	w.ring = keys.NewRing(w.store, box, keys.Options{Now: w.now, Generate: func() (*rsa.PrivateKey, error) {
		if n := int(made.Add(1)); n <= len(testKeys()) {
			return testKeys()[n-1], nil
		}
		return rsa.GenerateKey(rand.Reader, 2048)
	}})
	t.Cleanup(func() {
		_ = w.ring.Close()
		_ = w.store.Close()
	})
	w.service = userpool.New(userpool.Config{Pool: pool.Config{
		Storage: w.store, Box: box, Keys: w.ring, Issuer: w.issuer, Messenger: w.outbox, Now: w.now,
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}})
	w.table = w.service.Operations()
	w.provision(change)
	return w
}

func (w *world) provision(change func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest)) {
	w.t.Helper()
	pool := &wire.CreateUserPoolRequest{PoolName: "test"}
	client := &wire.CreateUserPoolClientRequest{ClientName: "test"}
	client.ExplicitAuthFlows = []wire.ExplicitAuthFlow{
		wire.AllowUserSRPAuth, wire.AllowUserPasswordAuth, wire.AllowAdminUserPasswordAuth, wire.AllowRefreshTokenAuth,
	}
	if change != nil {
		change(pool, client)
	}
	w.pool = must[wire.CreateUserPoolResponse](w, "CreateUserPool", pool).UserPool.Id
	client.UserPoolId = w.pool
	w.client = must[wire.CreateUserPoolClientResponse](w, "CreateUserPoolClient", client).UserPoolClient.ClientId
}

func (w *world) now() time.Time {
	now := time.Now()
	if still := w.still.Load(); still != nil {
		now = *still
	}
	return now.Add(time.Duration(w.offset.Load()))
}

// stopClock leaves it to advance alone to move the clock, for tests of spans that a busy
// machine may need for a call.
func (w *world) stopClock() { w.still.Store(new(time.Now())) }

func (w *world) advance(d time.Duration) { w.offset.Add(int64(d)) }

// perform calls an operation's handler with the JSON of the request and decodes the JSON
// of the response.
func (w *world) perform(operation string, request, response any) error {
	w.t.Helper()
	body, err := wire.Marshal(request)
	if err != nil {
		w.t.Fatal(err)
	}
	handler := w.table[strings.TrimPrefix(operation, string(wire.UserPools)+".")]
	if handler == nil {
		w.t.Fatalf("no operation %s", operation)
	}
	out, err := handler(context.Background(), body)
	if err != nil || response == nil {
		return err
	}
	data, err := wire.Marshal(out)
	if err == nil {
		err = wire.Unmarshal(data, response)
	}
	if err != nil {
		w.t.Fatalf("%s: answer %s: %v", operation, data, err)
	}
	return nil
}

// call performs an operation; the error is what the service answered.
func call[Response any](w *world, operation string, request any) (*Response, error) {
	w.t.Helper()
	response := new(Response)
	if err := w.perform(operation, request, response); err != nil {
		return nil, err
	}
	return response, nil
}

// must is call for what has to succeed.
func must[Response any](w *world, operation string, request any) *Response {
	w.t.Helper()
	response, err := call[Response](w, operation, request)
	if err != nil {
		w.t.Fatalf("%s: %v", operation, err)
	}
	return response
}

// wantException checks type and text of an answered error.
func wantException(t *testing.T, err error, typ, message string) {
	t.Helper()
	want := typ + ": " + message
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// flows performs what users do.
func (w *world) flows() pooltest.Flows {
	return pooltest.Flows{Call: w.perform, PoolID: w.pool, ClientID: w.client, Now: w.now}
}

func (w *world) addUser(name string, attributes ...wire.AttributeType) {
	w.t.Helper()
	w.flows().AddUser(w.t, name, password, attributes)
}

func (w *world) withPassword(name, pass string) (*wire.InitiateAuthResponse, error) {
	w.t.Helper()
	return w.flows().WithPassword(name, pass)
}

// signIn signs in and gives the tokens.
func (w *world) signIn(name string) *wire.AuthenticationResultType {
	w.t.Helper()
	out, err := w.withPassword(name, password)
	if err != nil || out.AuthenticationResult == nil {
		w.t.Fatalf("sign in %s: %v", name, err)
	}
	return out.AuthenticationResult
}

func (w *world) startSRP(name string) (*srp.Client, *wire.InitiateAuthResponse, error) {
	w.t.Helper()
	return w.flows().StartSRP(w.t, name)
}

func (w *world) proof(client *srp.Client, out *wire.InitiateAuthResponse, pass string) *wire.RespondToAuthChallengeRequest {
	w.t.Helper()
	return w.flows().Proof(w.t, client, out, pass)
}

func (w *world) withSRP(name, pass string) (*wire.RespondToAuthChallengeResponse, error) {
	w.t.Helper()
	return w.flows().WithSRP(w.t, name, pass)
}

func (w *world) refresh(token wire.Sensitive) (*wire.AuthenticationResultType, error) {
	w.t.Helper()
	return w.flows().Refresh(token)
}

func (w *world) getUser(access wire.Sensitive) (*wire.GetUserResponse, error) {
	w.t.Helper()
	return call[wire.GetUserResponse](w, "GetUser", &wire.GetUserRequest{AccessToken: access})
}

func (w *world) code(address string) wire.Sensitive {
	w.t.Helper()
	return pooltest.Code(w.t, w.outbox, address)
}

func (w *world) signUp(name, address string) *wire.SignUpResponse {
	w.t.Helper()
	out, err := w.flows().SignUp(name, password, address)
	if err != nil {
		w.t.Fatalf("sign up %s: %v", name, err)
	}
	return out
}

func (w *world) confirm(name string, code wire.Sensitive, force bool) error {
	w.t.Helper()
	return w.flows().Confirm(name, code, force)
}

func (w *world) forgot(name string) (*wire.ForgotPasswordResponse, error) {
	w.t.Helper()
	return w.flows().Forgot(name)
}

func (w *world) recover(name, pass string, code wire.Sensitive) error {
	w.t.Helper()
	return w.flows().Recover(name, pass, code)
}

func (w *world) resend(name string) (*wire.ResendConfirmationCodeResponse, error) {
	w.t.Helper()
	return w.flows().Resend(name)
}

// signUpAs is SignUp with the usual password.
func (w *world) signUpAs(name string, attributes ...wire.AttributeType) error {
	w.t.Helper()
	_, err := call[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{ClientId: w.client, Username: name, Password: password, UserAttributes: attributes})
	return err
}
