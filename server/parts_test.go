package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// messengerFunc is a plug.Messenger.
type messengerFunc func(ctx context.Context, m plug.Message) error

func (f messengerFunc) Send(ctx context.Context, m plug.Message) error { return f(ctx, m) }

// messengerService makes a service in-process with a client and a user "ann" who has a verified
// address. It returns a function that calls ForgotPassword.
func messengerService(t *testing.T, existenceErrors string, messenger plug.Messenger) (*server.Server, func(username string) (string, time.Duration, error)) {
	t.Helper()
	store := memory.New()
	service, err := server.New(server.Config{
		Storage: store, SealingKeys: []server.SealingKey{server.NewKey()}, PublicURL: "https://auth.example.com", Messenger: messenger,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close(); store.Close() })
	e := &embedding{t: t, service: service}
	e.provision(map[string]any{"PreventUserExistenceErrors": existenceErrors})
	e.must("AdminUpdateUserAttributes", map[string]any{"UserPoolId": e.pool, "Username": "ann", "UserAttributes": []map[string]string{
		{"Name": "email", "Value": "ann@example.com"}, {"Name": "email_verified", "Value": "true"},
	}}, nil)
	return service, func(username string) (string, time.Duration, error) {
		start := time.Now()
		var out map[string]any
		err := service.Call(t.Context(), "ForgotPassword", map[string]any{"ClientId": e.client, "Username": username}, &out)
		text, _ := json.Marshal(out)
		return string(text), time.Since(start), err
	}
}

// TestMessengerThatFails calls ForgotPassword with a Messenger that fails, panics, or blocks and
// ignores its context: the answer is CodeDeliveryFailureException, after ten seconds at most.
func TestMessengerThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		send messengerFunc
		took time.Duration
	}{
		"an error":   {func(context.Context, plug.Message) error { return errors.New("no") }, 0},
		"a panic":    {func(context.Context, plug.Message) error { panic("oops") }, 0},
		"a medium":   {func(context.Context, plug.Message) error { return plug.ErrMedium }, 0},
		"it blocks":  {func(context.Context, plug.Message) error { time.Sleep(time.Hour); return nil }, 10 * time.Second},
		"it is slow": {func(ctx context.Context, _ plug.Message) error { <-ctx.Done(); return ctx.Err() }, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, forgot := messengerService(t, "LEGACY", test.send)
			_, took, err := forgot("ann")
			if !errors.Is(err, &server.Error{Code: "CodeDeliveryFailureException"}) || took != test.took {
				t.Errorf("%s: %v after %v", name, err, took)
			}
			time.Sleep(time.Hour)
		})
	}
}

// TestMessengerDoesNotRevealUsers calls ForgotPassword of a client that hides which users exist,
// with a Messenger that fails, panics, blocks or is slow: real and made-up users get the same
// answers at the same time, and the Messenger receives the message.
func TestMessengerDoesNotRevealUsers(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]messengerFunc{
		"it works":   func(context.Context, plug.Message) error { return nil },
		"an error":   func(context.Context, plug.Message) error { return errors.New("no") },
		"a panic":    func(context.Context, plug.Message) error { panic("oops") },
		"it blocks":  func(context.Context, plug.Message) error { time.Sleep(time.Hour); return nil },
		"it is slow": func(ctx context.Context, _ plug.Message) error { time.Sleep(300 * time.Millisecond); return ctx.Err() },
	} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var sent []plug.Message
			_, forgot := messengerService(t, "ENABLED", messengerFunc(func(ctx context.Context, m plug.Message) error {
				mu.Lock()
				sent = append(sent, m)
				mu.Unlock()
				return send(ctx, m)
			}))
			real, realTook, err := forgot("ann")
			if err != nil {
				t.Errorf("%s: a user: %v", name, err)
			}
			_, madeUpTook, err := forgot("bob")
			if err != nil {
				t.Errorf("%s: a made-up user: %v", name, err)
			}
			if realTook != madeUpTook || !strings.Contains(real, "a***@e***") {
				t.Errorf("%s: a user's answer %s takes %v, a made-up one's %v", name, real, realTook, madeUpTook)
			}
			time.Sleep(2 * time.Hour)
			mu.Lock()
			defer mu.Unlock()
			if len(sent) != 1 || sent[0].Address != "ann@example.com" || sent[0].Code.IsZero() {
				t.Errorf("%s: %d messages", name, len(sent))
			}
		})
	}
}

// TestCloseWaitsForHiddenMessages closes the service after a call whose message was not waited
// for: the Messenger has returned when Close does.
func TestCloseWaitsForHiddenMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		returned := false
		service, forgot := messengerService(t, "ENABLED", messengerFunc(func(context.Context, plug.Message) error {
			time.Sleep(time.Second)
			returned = true
			return nil
		}))
		if _, _, err := forgot("ann"); err != nil {
			t.Fatal(err)
		}
		if err := service.Close(); err != nil || !returned {
			t.Errorf("Close returned %v before the messenger: %t", err, !returned)
		}
	})
}

// TestBrokerThatFails gets credentials by a Broker that fails, panics, blocks or returns unusable
// credentials: the answer is ExternalServiceException, after fifteen seconds at most.
func TestBrokerThatFails(t *testing.T) {
	t.Parallel()
	good := func() plug.Credentials {
		return plug.Credentials{AccessKeyID: "AKIA", SecretAccessKey: plug.NewSecret("s"), SessionToken: plug.NewSecret("t"), Expiration: time.Now().Add(time.Hour)}
	}
	for name, test := range map[string]struct {
		credentials brokerFunc
		code        string
		took        time.Duration
	}{
		"it works": {func(context.Context, plug.Grant) (plug.Credentials, error) { return good(), nil }, "", 0},
		"an error": {func(context.Context, plug.Grant) (plug.Credentials, error) {
			return plug.Credentials{}, errors.New("no")
		}, "ExternalServiceException", 0},
		"a role":  {func(context.Context, plug.Grant) (plug.Credentials, error) { return plug.Credentials{}, plug.ErrRole }, "InvalidIdentityPoolConfigurationException", 0},
		"a panic": {func(context.Context, plug.Grant) (plug.Credentials, error) { panic("oops") }, "ExternalServiceException", 0},
		"nothing": {func(context.Context, plug.Grant) (plug.Credentials, error) { return plug.Credentials{}, nil }, "ExternalServiceException", 0},
		"no key id": {func(context.Context, plug.Grant) (plug.Credentials, error) {
			c := good()
			c.AccessKeyID = ""
			return c, nil
		}, "ExternalServiceException", 0},
		"no secret": {func(context.Context, plug.Grant) (plug.Credentials, error) {
			c := good()
			c.SecretAccessKey = plug.Secret{}
			return c, nil
		}, "ExternalServiceException", 0},
		"no token": {func(context.Context, plug.Grant) (plug.Credentials, error) {
			c := good()
			c.SessionToken = plug.Secret{}
			return c, nil
		}, "ExternalServiceException", 0},
		"no end": {func(context.Context, plug.Grant) (plug.Credentials, error) {
			c := good()
			c.Expiration = time.Time{}
			return c, nil
		}, "ExternalServiceException", 0},
		"expired": {func(context.Context, plug.Grant) (plug.Credentials, error) {
			c := good()
			c.Expiration = time.Now()
			return c, nil
		}, "ExternalServiceException", 0},
		"it blocks": {func(context.Context, plug.Grant) (plug.Credentials, error) { time.Sleep(time.Hour); return good(), nil }, "ExternalServiceException", 15 * time.Second},
		"it times out": {func(ctx context.Context, _ plug.Grant) (plug.Credentials, error) {
			<-ctx.Done()
			return plug.Credentials{}, ctx.Err()
		}, "ExternalServiceException", 15 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := memory.New()
			service, err := server.New(server.Config{Storage: store, SealingKeys: []server.SealingKey{server.NewKey()}, PublicURL: "https://auth.example.com", Broker: test.credentials})
			if err != nil {
				t.Fatal(err)
			}
			e := &embedding{t: t, service: service}
			var pool struct{ IdentityPoolId string }
			e.must("CreateIdentityPool", map[string]any{"IdentityPoolName": "guests", "AllowUnauthenticatedIdentities": true}, &pool)
			e.must("SetIdentityPoolRoles", map[string]any{"IdentityPoolId": pool.IdentityPoolId, "Roles": map[string]string{"unauthenticated": "arn:aws:iam::000000000000:role/guest"}}, nil)
			var guest struct{ IdentityId string }
			e.must("GetId", pool, &guest)
			start := time.Now()
			err = service.Call(t.Context(), "GetCredentialsForIdentity", guest, nil)
			if failure, _ := errors.AsType[*server.Error](err); (failure == nil) != (test.code == "") || failure != nil && failure.Code != test.code || time.Since(start) != test.took {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
			time.Sleep(time.Hour)
			service.Close()
			store.Close()
		})
	}
}

// brandsFunc is a plug.Brands.
type brandsFunc func() (plug.Brand, error)

func (f brandsFunc) Brand(context.Context, string, string) (plug.Brand, error) { return f() }

// TestBrandsThatFail opens the sign-in page with a Brands that fails, panics or blocks: the page is
// an error page, after five seconds at most.
func TestBrandsThatFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		brand  brandsFunc
		status int
	}{
		"it works":  {func() (plug.Brand, error) { return plug.Brand{Stylesheet: "a{}"}, nil }, http.StatusOK},
		"an error":  {func() (plug.Brand, error) { return plug.Brand{}, errors.New("no") }, http.StatusInternalServerError},
		"a panic":   {func() (plug.Brand, error) { panic("oops") }, http.StatusInternalServerError},
		"it blocks": {func() (plug.Brand, error) { time.Sleep(time.Hour); return plug.Brand{}, nil }, http.StatusInternalServerError},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := memory.New()
			service, err := server.New(server.Config{Storage: store, SealingKeys: []server.SealingKey{server.NewKey()}, PublicURL: "https://auth.example.com", Brands: test.brand})
			if err != nil {
				t.Fatal(err)
			}
			e := &embedding{t: t, service: service}
			e.provision(map[string]any{
				"AllowedOAuthFlows": []string{"code"}, "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthScopes": []string{"openid"},
				"CallbackURLs": []string{"https://app.example.com/"}, "SupportedIdentityProviders": []string{"COGNITO"},
			})
			query := url.Values{
				"client_id": {e.client}, "response_type": {"code"}, "redirect_uri": {"https://app.example.com/"}, "scope": {"openid"},
				"code_challenge": {challengeOf("verifier")}, "code_challenge_method": {"S256"},
			}
			answer := httptest.NewRecorder()
			service.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://auth.example.com/"+e.pool+"/login?"+query.Encode(), nil))
			if answer.Code != test.status {
				t.Errorf("%s: status %d, want %d", name, answer.Code, test.status)
			}
			time.Sleep(time.Hour)
			service.Close()
			store.Close()
		})
	}
}

// panickingObserver is an Observer that panics.
type panickingObserver struct{}

func (panickingObserver) Observe(string, string, time.Duration) { panic("oops") }

// TestObserverThatPanics answers calls and requests although the Observer panics, and logs it.
func TestObserverThatPanics(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, nil, func(c *server.Config) { c.Observer = panickingObserver{} })
	if err := w.server.Call(t.Context(), "DescribeUserPool", map[string]any{"UserPoolId": w.pool}, nil); err != nil {
		t.Errorf("a call: %v", err)
	}
	answer, err := http.Get(w.base() + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || !strings.Contains(w.log.String(), "observer panicked") {
		t.Errorf("status %d, log %s", answer.StatusCode, w.log.String())
	}
}
