package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/outbox"
	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "Correct-Horse-9"

var admin = sigv4.Credentials{AccessKeyID: "AKIATESTTESTTESTTEST", SecretAccessKey: secret.New("test/secret/key")}

// world is a service over HTTP with one pool and one client.
type world struct {
	t            *testing.T
	url          string
	server       *server.Server
	config       server.Config // of the server
	store        storage.Store
	offset       atomic.Int64
	still        atomic.Pointer[time.Time] // what the clock shows, offset left out, once it stands still
	log          *safeBuffer
	pool, client string

	identities string // the identity pool's id, see identityWorld
	outbox     *outbox.Outbox
}

// safeBuffer is a bytes.Buffer for the many goroutines of a server.
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

// testKeys makes three RSA keys once. Every world begins with them, since making
// keys takes a while; those of a rotation are new.
var testKeys = sync.OnceValue(func() [3]*rsa.PrivateKey {
	var made [3]*rsa.PrivateKey
	for i := range made {
		made[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return made
})

func (w *world) now() time.Time {
	now := time.Now()
	if still := w.still.Load(); still != nil {
		now = *still
	}
	return now.Add(time.Duration(w.offset.Load()))
}

func (w *world) advance(d time.Duration) { w.offset.Add(int64(d)) }

// stopClock leaves it to advance alone to move the service's clock, for tests of
// spans that a busy machine may need for a request.
func (w *world) stopClock() { w.still.Store(new(time.Now())) }

// sealingKey returns the key that consists of one byte, repeated.
func sealingKey(fill byte) server.SealingKey {
	key, err := server.ParseKey(strings.Repeat(fmt.Sprintf("%02x", fill), seal.KeySize))
	if err != nil {
		panic(err)
	}
	return key
}

// newWorld starts a service; change edits the requests that make its pool and client.
func newWorld(t *testing.T, change func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest)) *world {
	t.Helper()
	return newWorldOf(t, change, nil)
}

// newWorldOf is newWorld with a service that configure has had its say in.
func newWorldOf(t *testing.T, change func(*wire.CreateUserPoolRequest, *wire.CreateUserPoolClientRequest), configure func(*server.Config)) *world {
	t.Helper()
	w := &world{t: t, store: memory.New(), log: &safeBuffer{}, outbox: outbox.New(nil)}
	box, err := seal.New(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	var made atomic.Int64
	ring := keys.NewRing(w.store, box, keys.Options{Now: w.now, Generate: func() (*rsa.PrivateKey, error) {
		if n := int(made.Add(1)); n <= len(testKeys()) {
			return testKeys()[n-1], nil
		}
		return rsa.GenerateKey(rand.Reader, 2048)
	}})
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.server.ServeHTTP(rw, r) }))
	w.url = "http://" + web.Listener.Addr().String()
	config := server.Config{
		Storage: w.store, SealingKeys: []server.SealingKey{sealingKey(1)}, PublicURL: w.url, Now: w.now,
		Broker: brokerFunc(w.credentials), Messenger: w.outbox,
		AdminKeys: []server.AdminKey{{ID: admin.AccessKeyID, Secret: plug.NewSecret(admin.SecretAccessKey.Reveal())}},
		Logger:    slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if configure != nil {
		configure(&config)
	}
	w.config = config
	w.server, err = server.NewWithKeys(config, ring)
	if err != nil {
		t.Fatal(err)
	}
	web.Start()
	t.Cleanup(func() {
		web.Close()
		_ = ring.Close()
		_ = w.store.Close()
	})
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
	made := must[wire.CreateUserPoolResponse](w, "CreateUserPool", pool)
	w.pool = made.UserPool.Id
	client.UserPoolId = w.pool
	w.client = must[wire.CreateUserPoolClientResponse](w, "CreateUserPoolClient", client).UserPoolClient.ClientId
}

// send posts one request; operations that need it are signed by the administrator.
func (w *world) send(operation string, body []byte) (*http.Response, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.url+"/", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	service := serviceOf(operation)
	if prefix, name, whole := strings.Cut(operation, "."); whole { // a target, for names that both APIs have
		service, operation = wire.Service(prefix), name
	}
	target := wire.Target(service, operation)
	known, ok := wire.LookupTarget(target)
	signed := ok && known.Auth == wire.Signed
	if operation == "RotateSigningKeys" {
		target, signed = server.RotateSigningKeysTarget, true
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, target)
	if signed {
		sigv4.Sign(r, body, admin, "us-east-1", service.SigningName(), w.now())
	}
	return w.do(r)
}

// serviceOf tells the two APIs apart. Tags, which both have, are the identity
// pools' here.
func serviceOf(operation string) wire.Service {
	if _, ok := wire.LookupTarget(wire.Target(wire.IdentityPools, operation)); ok {
		return wire.IdentityPools
	}
	return wire.UserPools
}

func (w *world) do(r *http.Request) (*http.Response, []byte) {
	w.t.Helper()
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer, data
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

// perform is call with a place for the response, which may be nil.
func (w *world) perform(operation string, request, response any) error {
	w.t.Helper()
	body, err := wire.Marshal(request)
	if err != nil {
		w.t.Fatal(err)
	}
	answer, data := w.send(operation, body)
	if answer.StatusCode != http.StatusOK {
		return wire.ReadException(answer.StatusCode, answer.Header, data)
	}
	if response != nil && len(data) > 0 {
		if err := wire.Unmarshal(data, response); err != nil {
			w.t.Fatalf("%s: answer %s: %v", operation, data, err)
		}
	}
	return nil
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

// flows performs what users do over HTTP.
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
