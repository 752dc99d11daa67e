package stsbroker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/stsbroker"
)

const (
	role  = "arn:aws:iam::000000000000:role/app"
	token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"
)

// expiration is what the test servers answer.
var expiration = time.Now().Add(time.Hour).UTC().Truncate(time.Second)

func success(change ...string) string {
	return strings.NewReplacer(change...).Replace(`<?xml version="1.0" encoding="UTF-8"?>
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>us-east-1:identity</SubjectFromWebIdentityToken>
    <Audience>us-east-1:pool</Audience>
    <AssumedRoleUser><Arn>arn:aws:sts::000000000000:assumed-role/app/CognitoIdentityCredentials</Arn><AssumedRoleId>AROAEXAMPLE:CognitoIdentityCredentials</AssumedRoleId></AssumedRoleUser>
    <Credentials>
      <SessionToken>session/token+=</SessionToken>
      <SecretAccessKey>secret/key</SecretAccessKey>
      <Expiration>` + expiration.Format(time.RFC3339) + `</Expiration>
      <AccessKeyId>ASIAEXAMPLEEXAMPLE00</AccessKeyId>
    </Credentials>
    <Provider>us-east-1:provider</Provider>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>`)
}

func failure(code, message string) string {
	return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>` + code +
		`</Code><Message>` + message + `</Message></Error><RequestId>4f7e</RequestId></ErrorResponse>`
}

func grant() plug.Grant {
	return plug.Grant{
		PoolID: "us-east-1:pool", IdentityID: "us-east-1:identity", RoleARN: role, Authenticated: true, Life: time.Hour,
		OpenIDToken: func(context.Context) (plug.Secret, error) { return plug.NewSecret(token), nil },
	}
}

// serve is an STS that answers with handler, and a broker that asks it.
func serve(t *testing.T, handler http.HandlerFunc, changes ...func(*stsbroker.Config)) *stsbroker.Broker {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c := stsbroker.Config{Endpoint: server.URL}
	for _, change := range changes {
		change(&c)
	}
	broker, err := stsbroker.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return broker
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// TestRequestAndAnswer: what STS is sent, by each life, and what comes of its answer.
func TestRequestAndAnswer(t *testing.T) {
	t.Parallel()
	for life, seconds := range map[time.Duration]string{
		time.Hour: "3600", time.Minute: "900", 0: "900", 24 * time.Hour: "43200",
	} {
		var got url.Values
		broker := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.RawQuery != "" || r.URL.Path != "/" ||
				r.Header.Get("Authorization") != "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
				t.Errorf("%s %s, %v, %v", r.Method, r.URL, r.Header, err)
			}
			got = r.PostForm
			answer(http.StatusOK, success())(w, r)
		})
		g := grant()
		g.Life = life
		credentials, err := broker.Credentials(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		if credentials.AccessKeyID != "ASIAEXAMPLEEXAMPLE00" || credentials.SecretAccessKey.Reveal() != "secret/key" ||
			credentials.SessionToken.Reveal() != "session/token+=" || !credentials.Expiration.Equal(expiration) {
			t.Errorf("%+v", credentials)
		}
		if diff := cmp.Diff(url.Values{
			"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {role},
			"RoleSessionName": {"CognitoIdentityCredentials"}, "WebIdentityToken": {token}, "DurationSeconds": {seconds},
		}, got); diff != "" {
			t.Errorf("a life of %v: %s", life, diff)
		}
	}
}

func TestOverTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(answer(http.StatusOK, success()))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // one of the two clients breaks off the handshake
	server.StartTLS()
	t.Cleanup(server.Close)
	for name, test := range map[string]struct {
		transport http.RoundTripper
		ok        bool
	}{"trusted": {server.Client().Transport, true}, "not trusted": {nil, false}} {
		broker, err := stsbroker.New(stsbroker.Config{Endpoint: server.URL, Transport: test.transport})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := broker.Credentials(t.Context(), grant()); (err == nil) != test.ok || errors.Is(err, plug.ErrRole) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefusals: which codes end the matter, which are asked again, and what is
// told.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status int
		body   string
		role   bool
		calls  int32
	}{
		{400, failure("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://x"), true, 1},
		{400, failure("ExpiredTokenException", "Token expired"), true, 1},
		{403, failure("IDPRejectedClaim", ""), true, 1},
		{400, failure("MalformedPolicyDocument", ""), true, 1},
		{400, failure("PackedPolicyTooLarge", ""), true, 1},
		{403, failure("RegionDisabledException", ""), true, 1},
		{403, failure("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"), true, 1},
		{400, failure("InvalidParameterValue", ""), true, 1},
		{400, failure("SomethingNew", ""), true, 1},
		{400, failure("IDPCommunicationError", ""), false, 2},
		{400, failure("Throttling", "Rate exceeded"), false, 2},
		{429, failure("TooManyRequests", ""), false, 2},
		{500, failure("InternalFailure", ""), false, 2},
		{503, failure("AccessDenied", "not really"), false, 2},
		{502, "<html>Bad gateway</html>", false, 2},
		{403, "<html><body>Blocked by the firewall</body></html>", false, 2},
		{400, `{"__type":"AccessDenied"}`, false, 2},
		{404, "", false, 2},
		{400, strings.Replace(failure("AccessDenied", ""), "sts.amazonaws.com", "example.com", 1), false, 2},
		{400, failure("AccessDenied", "") + failure("AccessDenied", ""), false, 2},
		{400, failure("", "no code"), false, 2},
	} {
		var calls atomic.Int32
		broker := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			answer(test.status, test.body)(w, r)
		})
		credentials, err := broker.Credentials(t.Context(), grant())
		if err == nil || errors.Is(err, plug.ErrRole) != test.role || calls.Load() != test.calls || credentials != (plug.Credentials{}) {
			t.Errorf("%d %s: %v, after %d calls, about the role: %v", test.status, test.body, err, calls.Load(), errors.Is(err, plug.ErrRole))
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("%d %s: the error tells the token", test.status, test.body)
		}
	}
}

func TestRefusalIsTold(t *testing.T) {
	t.Parallel()
	_, err := serve(t, answer(403, failure("AccessDenied", "Not\nauthorized\x09to "+strings.Repeat("x", 3000)))).Credentials(t.Context(), grant())
	refusal, ok := errors.AsType[*stsbroker.Error](err)
	if !ok || refusal.Code != "AccessDenied" || refusal.Status != 403 || refusal.RequestID != "4f7e" || len(refusal.Message) > 520 || strings.ContainsAny(refusal.Error(), "\n\t") {
		t.Errorf("%+v", refusal)
	}
	for _, want := range []string{"AccessDenied (status 403): Not authorized to xxx", "[4f7e]", "does the role trust the pool"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	_, err = serve(t, answer(400, failure("InvalidIdentityToken", "bad token "+token))).Credentials(t.Context(), grant())
	if err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("the token is told: %v", err)
	}
}

// TestSecondAttemptHelps: a server that is back a moment later is as good as one
// that was there.
func TestSecondAttemptHelps(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{
		"overloaded": answer(503, "busy"),
		"keys away":  answer(400, failure("IDPCommunicationError", "")),
		"cut":        func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut in the middle": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2000")
			_, _ = io.WriteString(w, success()[:200])
		},
	} {
		var calls atomic.Int32
		broker := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) == 1 {
				first(w, r)
				return
			}
			answer(http.StatusOK, success())(w, r)
		})
		if _, err := broker.Credentials(t.Context(), grant()); err != nil || calls.Load() != 2 {
			t.Errorf("%s: %v, after %d calls", name, err, calls.Load())
		}
	}
}

// TestBadAnswers: an answer with status 200 that gives no good credentials.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	past := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	for name, body := range map[string]string{
		"empty":               "",
		"no XML":              "{}",
		"HTML":                "<!DOCTYPE html><html></html>",
		"entity":              `<!DOCTYPE x [<!ENTITY e "ASIAEXAMPLEEXAMPLE00">]>` + success("ASIAEXAMPLEEXAMPLE00", "&e;"),
		"cut":                 success()[:len(success())-10],
		"text behind":         success() + "x",
		"two documents":       success() + success("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", ""),
		"an error":            failure("AccessDenied", ""),
		"another root":        success("AssumeRoleWithWebIdentityResponse", "AssumeRoleResponse"),
		"another namespace":   success("sts.amazonaws.com", "sts.example.com"),
		"no namespace":        success(` xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`, ""),
		"no credentials":      success("Credentials>", "Other>"),
		"no key id":           success("AccessKeyId>", "Other>"),
		"no secret":           success("SecretAccessKey>", "Other>"),
		"empty secret":        success("secret/key", ""),
		"secret twice":        success("<SecretAccessKey>", "<SecretAccessKey>a</SecretAccessKey><SecretAccessKey>"),
		"no token":            success("SessionToken>", "Other>"),
		"space in the token":  success("session/token", "session token"),
		"long key id":         success("ASIAEXAMPLEEXAMPLE00", strings.Repeat("A", 129)),
		"no expiration":       success("Expiration>", "Other>"),
		"number of seconds":   success(expiration.Format(time.RFC3339), "1.7E9"),
		"expired":             success(expiration.Format(time.RFC3339), past),
		"credentials twice":   success("<Credentials>", "<Credentials></Credentials><Credentials>"),
		"longer than allowed": success("session/token", strings.Repeat("t", 70_000)),
		"a flood":             success("<Audience>", strings.Repeat("<a/>", 2000)+"<Audience>"),
		"another charset":     success("UTF-8", "UTF-16"),
	} {
		credentials, err := serve(t, answer(http.StatusOK, body)).Credentials(t.Context(), grant())
		if err == nil || errors.Is(err, plug.ErrRole) || credentials != (plug.Credentials{}) {
			t.Errorf("%s: %+v, %v", name, credentials, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret/key") || strings.Contains(err.Error(), "session/token")) {
			t.Errorf("%s: the error tells a secret: %v", name, err)
		}
	}
}

// TestRedirectsAreNotFollowed: the token must not go where it was not sent.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 307, 308} {
		_, err := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) }).Credentials(t.Context(), grant())
		if err == nil || errors.Is(err, plug.ErrRole) || reached || !strings.Contains(err.Error(), "redirects") {
			t.Errorf("%d: %v, reached: %v", status, err, reached)
		}
	}
}

func TestTimeAndContext(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or else the server does not see that the caller is gone
		<-r.Context().Done()
	}
	_, err := serve(t, hang, func(c *stsbroker.Config) { c.Timeout = 50 * time.Millisecond }).Credentials(t.Context(), grant())
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, plug.ErrRole) {
		t.Errorf("a server that hangs: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	_, err = serve(t, func(w http.ResponseWriter, r *http.Request) { once.Do(cancel); hang(w, r) }).Credentials(ctx, grant())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that is gone: %v", err)
	}
}

// TestNothingIsAsked lists grants that need no call to fail.
func TestNothingIsAsked(t *testing.T) {
	t.Parallel()
	noKey := errors.New("no signing key")
	for name, test := range map[string]struct {
		change func(*plug.Grant)
		role   bool
		want   error
	}{
		"no role":   {func(g *plug.Grant) { g.RoleARN = "" }, true, nil},
		"long role": {func(g *plug.Grant) { g.RoleARN = strings.Repeat("r", 2049) }, true, nil},
		"no token":  {func(g *plug.Grant) { g.OpenIDToken = nil }, false, nil},
		"token fails": {func(g *plug.Grant) {
			g.OpenIDToken = func(context.Context) (plug.Secret, error) { return plug.Secret{}, noKey }
		}, false, noKey},
		"long token": {func(g *plug.Grant) {
			g.OpenIDToken = func(context.Context) (plug.Secret, error) { return plug.NewSecret(strings.Repeat("t", 20_001)), nil }
		}, true, nil},
	} {
		broker := serve(t, func(http.ResponseWriter, *http.Request) { t.Errorf("%s: STS was asked", name) })
		g := grant()
		test.change(&g)
		_, err := broker.Credentials(t.Context(), g)
		if err == nil || errors.Is(err, plug.ErrRole) != test.role || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config stsbroker.Config
		ok     bool
	}{
		"region":           {stsbroker.Config{Region: "eu-west-1"}, true},
		"government":       {stsbroker.Config{Region: "us-gov-west-1"}, true},
		"https":            {stsbroker.Config{Endpoint: "https://minio.example.com:9000"}, true},
		"loopback":         {stsbroker.Config{Endpoint: "http://127.0.0.1:9000"}, true},
		"IPv6 loopback":    {stsbroker.Config{Endpoint: "http://[::1]:9000/sts/"}, true},
		"localhost":        {stsbroker.Config{Endpoint: "http://localhost:9000"}, true},
		"nothing":          {stsbroker.Config{}, false},
		"no region":        {stsbroker.Config{Region: "evil.example.com/"}, false},
		"plain http":       {stsbroker.Config{Endpoint: "http://minio.example.com"}, false},
		"loopback by name": {stsbroker.Config{Endpoint: "http://127.0.0.1.example.com"}, false},
		"metadata address": {stsbroker.Config{Endpoint: "http://169.254.169.254"}, false},
		"other scheme":     {stsbroker.Config{Endpoint: "ftp://127.0.0.1"}, false},
		"no scheme":        {stsbroker.Config{Endpoint: "127.0.0.1:9000"}, false},
		"user":             {stsbroker.Config{Endpoint: "https://user:hunter2@sts.example.com"}, false},
		"query":            {stsbroker.Config{Endpoint: "https://sts.example.com/?a=b"}, false},
		"not a URL":        {stsbroker.Config{Endpoint: "https://user:hunter2@%zz"}, false},
		"negative timeout": {stsbroker.Config{Region: "eu-west-1", Timeout: -1}, false},
	} {
		_, err := stsbroker.New(test.config)
		if (err == nil) != test.ok || err != nil && (!strings.HasPrefix(err.Error(), "stsbroker: ") || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
