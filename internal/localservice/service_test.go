package localservice

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/metrics"
)

func TestMain(m *testing.M) {
	// The user's own configuration is not for tests to write.
	home, err := os.MkdirTemp("", "localservice")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME"} {
		os.Setenv(name, home)
	}
	code := 0
	goleak.VerifyTestMain(m, goleak.Cleanup(func(c int) {
		code = c
		os.RemoveAll(home)
		os.Exit(code)
	}))
}

func options(dir string) Options {
	return Options{Dir: dir, Listen: "127.0.0.1:0", HTTPSListen: "127.0.0.1:0"}
}

// start runs a service until stop, which waits for its end.
func start(t *testing.T, o Options) (ready Ready, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := Open(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	t.Cleanup(stop)
	return s.Ready(), stop
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call performs a public operation over a client.
func call(t *testing.T, client *http.Client, endpoint, operation string, request, response any) error {
	t.Helper()
	body, err := wire.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, endpoint+"/", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", wire.ContentType)
	r.Header.Set(wire.HeaderTarget, wire.Target(wire.UserPools, operation))
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return wire.ReadException(answer.StatusCode, answer.Header, data)
	}
	return wire.Unmarshal(data, response)
}

// trusting is a client that trusts one authority and keeps no connection.
func trusting(t *testing.T, caFile string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("%s holds no certificate", caFile)
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true,
	}}
}

// TestSameFolderSameService: ids, users, keys and sessions come back.
func TestSameFolderSameService(t *testing.T) {
	dir := t.TempDir()
	o := options(dir)
	first, stop := start(t, o)
	client := trusting(t, first.CAFile)
	var in wire.InitiateAuthResponse
	err := call(t, client, first.HTTPSEndpoint, "InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: first.ClientID,
		AuthParameters: wire.Parameters{"USERNAME": first.Username, "PASSWORD": first.Password},
	}, &in)
	if err != nil {
		t.Fatal(err)
	}
	keys := fetch(t, client, first.Endpoint+"/"+first.UserPoolID+"/.well-known/jwks.json")
	stop()

	o.Listen = strings.TrimPrefix(first.Endpoint, "http://")
	second, stop := start(t, o)
	first.HTTPSEndpoint, second.HTTPSEndpoint = "", "" // a free port each time
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("another service (-first +second):\n%s", diff)
	}
	if again := fetch(t, client, second.Endpoint+"/"+second.UserPoolID+"/.well-known/jwks.json"); again != keys {
		t.Error("the keys changed")
	}
	var out wire.GetTokensFromRefreshTokenResponse
	err = call(t, client, second.Endpoint, "GetTokensFromRefreshToken", &wire.GetTokensFromRefreshTokenRequest{
		ClientId: second.ClientID, RefreshToken: in.AuthenticationResult.RefreshToken,
	}, &out)
	if err != nil {
		t.Errorf("the session: %v", err)
	}
	var user wire.GetUserResponse
	err = call(t, client, second.Endpoint, "GetUser", &wire.GetUserRequest{AccessToken: in.AuthenticationResult.AccessToken}, &user)
	if err != nil || user.Username != "demo" {
		t.Errorf("the access token from before: %v", err)
	}
	stop()
}

func fetch(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("GET %s: %d %v", url, answer.StatusCode, err)
	}
	return string(body)
}

func TestPrivateFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	ready, stop := start(t, options(dir))
	stop()
	for name, want := range map[string]os.FileMode{"": 0o700, "master.key": 0o600, "latchkey.db": 0o600, "local.json": 0o600, "running.json": 0o600, "amplify_outputs.json": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v %v, want %v", name, info.Mode(), err, want)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "latchkey.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{ready.Password, ready.SecretAccessKey} {
		if strings.Contains(string(data), secret) {
			t.Error("the database holds a secret in the clear")
		}
	}
}

// TestRefusals: one line each, saying what and what to do.
func TestRefusals(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	running := t.TempDir()
	_, stop := start(t, options(running))
	defer stop()
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "local.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"port taken":       {func(o *Options) { o.Listen = taken.Addr().String() }, "choose another address with --listen"},
		"https port taken": {func(o *Options) { o.HTTPSListen = taken.Addr().String() }, "choose another address with --https-listen"},
		"bad address":      {func(o *Options) { o.Listen = "nowhere" }, "cannot listen on nowhere"},
		"folder is a file": {func(o *Options) { o.Dir = blocked }, "choose another with --data"},
		"folder below one": {func(o *Options) { o.Dir = filepath.Join(blocked, "x") }, "choose another with --data"},
		"folder in use":    {func(o *Options) { o.Dir = running }, "latchkey.db"},
		"damaged ids":      {func(o *Options) { o.Dir = damaged }, "local.json is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t.TempDir())
			test.change(&o)
			s, err := Open(context.Background(), o)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, test.want)
			}
		})
	}
}

// TestForeignConfigurationStays: up does not write over somebody's own file.
func TestForeignConfigurationStays(t *testing.T) {
	base, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(base, "latchkey", "amplify_outputs.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	const mine = `{"version":"1.4","auth":{"user_pool_id":"eu-west-1_mine"}}`
	if err := os.WriteFile(path, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	shared := func() Options {
		o := options(t.TempDir())
		o.ShareConfig = true
		return o
	}
	_, stop := start(t, shared())
	stop()
	if got, err := os.ReadFile(path); err != nil || string(got) != mine {
		t.Errorf("the file became %s (%v)", got, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 2 { // ours is made, and replaced
		ready, stop := start(t, shared())
		stop()
		got, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(got), ready.UserPoolID) {
			t.Errorf("the user's configuration is %s (%v)", got, err)
		}
	}
	configured := func(want string) {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("the user's configuration is %s (%v), want it to be of %s", got, err, want)
		}
	}
	// A service that runs keeps it, and one that was not asked to share leaves it alone.
	first, stopFirst := start(t, shared())
	configured(first.UserPoolID)
	_, stop = start(t, options(t.TempDir()))
	configured(first.UserPoolID)
	stop()
	second := shared()
	var log bytes.Buffer
	second.Logger = slog.New(slog.NewTextHandler(&log, nil))
	_, stop = start(t, second)
	configured(first.UserPoolID)
	stop()
	if !strings.Contains(log.String(), "the service that runs at "+first.Endpoint) {
		t.Errorf("the log does not name the service: %s", log.String())
	}
	stopFirst()
	ready, stop := start(t, second)
	configured(ready.UserPoolID)
	stop()
}

func TestMetricsListener(t *testing.T) {
	o := options(t.TempDir())
	recorder := metrics.New()
	o.MetricsListen, o.Metrics, o.Observer = "127.0.0.1:0", recorder, recorder
	ready, stop := start(t, o)
	defer stop()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	err := call(t, client, ready.Endpoint, "GetUser", &wire.GetUserRequest{AccessToken: "x"}, &wire.GetUserResponse{})
	if !wire.IsException(err, wire.NotAuthorizedException) {
		t.Errorf("GetUser: %v", err)
	}
	page := fetch(t, client, ready.MetricsEndpoint)
	if want := fmt.Sprintf(`latchkey_answers_total{exception=%q,operation="GetUser"} 1`, wire.NotAuthorizedException); !strings.Contains(page, want) {
		t.Errorf("metrics lack %s", want)
	}
}
