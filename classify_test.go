package latchkey

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
)

// classification is one row of testdata/error-classification.json.
type classification struct {
	ID          string            `json:"id"`
	Op          string            `json:"op"`
	Status      *int              `json:"status"`
	Headers     map[string]string `json:"headers"`
	Body        string            `json:"body"`
	EndsSession bool              `json:"endsSession"`
	Retry       bool              `json:"retry"`
	Kind        string            `json:"kind"`
}

func classifications(t *testing.T) []classification {
	t.Helper()
	data, err := os.ReadFile("testdata/error-classification.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []classification `json:"cases"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != 63 {
		t.Fatalf("%d rows, want 63", len(file.Cases))
	}
	return file.Cases
}

// classNames are the vectors' words for classes.
var classNames = map[class]string{
	classUnknown: "unknown", classEnded: "session-ended", classConfig: "config", classThrottled: "throttled",
	classServer: "server", classRequest: "request", classPolicy: "policy", classClock: "clock", classNetwork: "network",
	classMalformed: "malformed", classWrongIssuer: "wrong-issuer", classWrongUser: "wrong-user",
	classCancelled: "cancelled", classDropIdentity: "drop-identity", classConflict: "conflict",
}

// publicKinds are what callers see of each of the vectors' words.
var publicKinds = map[string]error{
	"session-ended": ErrSessionExpired, "config": ErrConfig, "throttled": ErrThrottled, "server": ErrService,
	"request": ErrInvalidParameter, "policy": ErrForbidden, "clock": ErrService, "unknown": ErrService,
	"network": ErrNetwork, "malformed": ErrService, "wrong-issuer": ErrWrongAccount, "wrong-user": ErrWrongAccount,
}

// netFailures are what a transport answers in the rows without a status.
var netFailures = map[string]error{
	"net-dns-timeout":           &net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}},
	"net-conn-reset":            errLost,
	"net-tls-bad-cert":          &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
	"net-tls-handshake-timeout": errors.New("net/http: TLS handshake timeout"),
	"net-timeout-body-1Bps":     nil, // a body that never ends, see response
	"net-context-cancelled":     context.Canceled,
	"net-http2-goaway":          errors.New("http2: server sent GOAWAY and closed the connection"),
}

// response is what the service answers in a row.
func (row classification) response(p *fakePool, r *http.Request) (*http.Response, error) {
	if row.Status == nil {
		if err := netFailures[row.ID]; err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(slowBody{r.Context()})}, nil
	}
	header := http.Header{}
	for name, value := range row.Headers {
		header.Set(name, value)
	}
	body := row.Body
	switch row.ID {
	case "ok-other-issuer":
		body = answerWith(p, map[string]any{"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other0001"}, nil)
	case "ok-id-sub-differs":
		body = answerWith(p, nil, map[string]any{"sub": "sub-of-bob"})
	case "ok-huge":
		body = strings.Repeat(" ", 50<<20)
	}
	return &http.Response{StatusCode: *row.Status, Header: header, Body: bodyOf(body)}, nil
}

// slowBody gives a byte per second until its reader gives up.
type slowBody struct{ ctx context.Context }

func (s slowBody) Read(b []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		return copy(b, " "), nil
	case <-s.ctx.Done(): // as net/http's own bodies do
		return 0, s.ctx.Err()
	}
}

// answerWith is a refresh's answer with tokens of alice, changed.
func answerWith(p *fakePool, access, id map[string]any) string {
	token := func(use string, edits map[string]any) string {
		claims := map[string]any{}
		_ = json.Unmarshal([]byte(decodedPayload(p.token(p.users["alice"], "origin-1", use))), &claims)
		for name, value := range edits {
			claims[name] = value
		}
		return signless(claims)
	}
	return `{"AuthenticationResult":{"AccessToken":"` + token("access", access) + `","IdToken":"` + token("id", id) + `"}}`
}

// TestClassification holds each row against what a client does with the answer:
// whether the session ends, how often the service is asked, and the error's kind.
// Rows about operations that have no client yet are held against the rule alone.
func TestClassification(t *testing.T) {
	t.Parallel()
	for _, row := range classifications(t) {
		t.Run(row.ID, func(t *testing.T) {
			t.Parallel()
			switch {
			case row.Op == opRefresh:
				synctest.Test(t, func(t *testing.T) { checkRefresh(t, row) })
			case row.Op == "GetUser":
				synctest.Test(t, func(t *testing.T) { checkGetUser(t, row) })
			case row.Op == "GlobalSignOut":
				checkGlobalSignOut(t, row)
			default:
				checkRule(t, row)
			}
		})
	}
}

func checkRefresh(t *testing.T, row classification) {
	p := newFakePool()
	c := p.signedIn(t, "alice")
	ended := &recorder{}
	c.Subscribe(func(e Event) {
		if e.Kind == EventSessionExpired {
			ended.add(e)
		}
	})
	p.set(func(p *fakePool) {
		p.script = func(_ string, r *http.Request) (*http.Response, error) { return row.response(p, r) }
	})
	start := time.Now()
	session := fetch(t, c, ForceRefresh())
	if waited := time.Since(start); waited > 11*time.Second {
		t.Errorf("waited %v", waited)
	}
	_, err := session.Tokens()
	synctest.Wait()
	if gone := !session.SignedIn(); gone != row.EndsSession || len(ended.names()) != btoi(row.EndsSession) {
		t.Errorf("ended = %t with %d events, want %t; error %v", gone, len(ended.names()), row.EndsSession, err)
	}
	if row.ID == "net-context-cancelled" {
		// The flight's context is nobody's to cancel; a transport that says so
		// all the same does not end anything.
		return
	}
	if !errors.Is(err, publicKinds[row.Kind]) {
		t.Errorf("error %v, want kind %v", err, publicKinds[row.Kind])
	}
	if got := classNames[verdictOf(err).class]; !row.EndsSession && got != row.Kind {
		t.Errorf("class %q, want %q", got, row.Kind)
	}
	if got := verdictOf(err).retry; got != row.Retry {
		t.Errorf("retry = %t, want %t", got, row.Retry)
	}
	if calls := p.count(opRefresh); calls > 3 || !row.Retry && calls != 1 {
		t.Errorf("%d calls", calls)
	}
	p.set(func(p *fakePool) { p.script = nil })
	if !row.EndsSession {
		wantTokens(t, fetch(t, c), "alice")
		time.Sleep(6 * time.Minute) // longer than any Retry-After counts
		wantTokens(t, fetch(t, c, ForceRefresh()), "alice")
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// checkGetUser: an access token that is refused leads to one refresh, which
// decides; the refusal alone ends nothing.
func checkGetUser(t *testing.T, row classification) {
	p := newFakePool()
	c := p.signedIn(t, "alice")
	p.set(func(p *fakePool) {
		p.script = func(op string, r *http.Request) (*http.Response, error) {
			if op == "GetUser" && p.count("GetUser") == 1 {
				return row.response(p, r)
			}
			return nil, nil
		}
	})
	attributes, err := c.FetchUserAttributes(t.Context())
	if err != nil || attributes["email"] != "alice@example.com" || p.count(opRefresh) != 1 {
		t.Errorf("FetchUserAttributes = %v, %v after %d refreshes", attributes, err, p.count(opRefresh))
	}
	p.set(func(p *fakePool) {
		p.script = nil
		for _, f := range p.families {
			f.revoked = true
		}
	})
	if _, err := c.FetchUserAttributes(t.Context()); !errors.Is(err, ErrSessionExpired) {
		t.Errorf("after the session was revoked: %v", err)
	}
}

// checkGlobalSignOut: what the service answers, the user is signed out here, and
// told that the global part failed.
func checkGlobalSignOut(t *testing.T, row classification) {
	p := newFakePool()
	c := p.signedIn(t, "alice")
	p.set(func(p *fakePool) {
		p.script = func(op string, r *http.Request) (*http.Response, error) {
			if op == "GlobalSignOut" {
				return row.response(p, r)
			}
			return nil, nil
		}
	})
	report, err := c.GlobalSignOut(t.Context())
	if report.Global || !report.Local || !report.Revoked || !errors.Is(err, ErrService) {
		t.Errorf("GlobalSignOut = %+v, %v", report, err)
	}
	if _, err := fetch(t, c).Tokens(); !errors.Is(err, ErrSignedOut) {
		t.Errorf("Tokens: %v", err)
	}
}

func checkRule(t *testing.T, row classification) {
	op := row.Op
	if strings.HasPrefix(op, "POST /oauth2/token") {
		op = opToken
	}
	header := http.Header{}
	for name, value := range row.Headers {
		header.Set(name, value)
	}
	v, _ := judge(op, *row.Status, header, []byte(row.Body))
	if v.ends != row.EndsSession || v.retry != row.Retry || classNames[v.class] != row.Kind {
		t.Errorf("judged %+v (%s), want %+v", v, classNames[v.class], row)
	}
}

func TestRefusalTexts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		op, message string
		want        class
	}{
		{opRefresh, "Refresh Token has expired", classEnded},
		{opRefresh, "The user has been deleted for the associated refresh token", classEnded},
		{opRefresh, "a text that nobody has seen before", classEnded},
		{opRefresh, "", classEnded},
		{opRefresh, "Invalid Refresh Token.", classDevice},
		{opRefresh, "Invalid device key given.", classDevice},
		{opRefresh, "Unable to verify secret hash for client abc", classConfig},
		{opRefresh, "SecretHash does not match for the client: abc", classConfig},
		{"InitiateAuth", "Incorrect username or password.", classRefused},
		{"InitiateAuth", "Password attempts exceeded", classThrottled},
		{"GetUser", "Access Token has been revoked", classRefused},
	}
	for _, tt := range tests {
		v := judgeRefusal(tt.op, tt.message)
		if v.class != tt.want || v.ends != (tt.want == classEnded) {
			t.Errorf("%s %q: %+v, want class %d", tt.op, tt.message, v, tt.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "120": 2 * time.Minute, "1000000000": maxRetryAfter, "99999999999999999999": 0, "soon": 0,
		"Fri, 20 Nov 2026 12:00:30 GMT": 30 * time.Second, "Fri, 20 Nov 2026 11:00:00 GMT": 0, "Sat, 20 Nov 2027 12:00:00 GMT": maxRetryAfter,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// FuzzJudge: no answer makes the rule panic, and none but HTTP 400 ends a session.
func FuzzJudge(f *testing.F) {
	f.Add(400, "application/json", "NotAuthorizedException:", `{"__type":"NotAuthorizedException","message":"Refresh Token has expired"}`, "5")
	f.Add(500, "text/html", "", "<html>", "Fri, 20 Nov 2026 12:00:30 GMT")
	f.Add(400, "application/json", "", `{"error":"invalid_grant"}`, "")
	f.Fuzz(func(t *testing.T, status int, kind, typ, body, after string) {
		header := http.Header{"Content-Type": {kind}, "X-Amzn-Errortype": {typ}, "Retry-After": {after}}
		for _, op := range []string{opRefresh, opToken, "GetUser", "GetCredentialsForIdentity"} {
			v, e := judge(op, status, header, []byte(body))
			if v.ends && (status != 400 || op != opRefresh && op != opToken || e.Type == "") {
				t.Errorf("%s %d %q ends a session", op, status, body)
			}
			if v.wait < 0 || v.wait > maxRetryAfter || v.kind(e.Type) == nil {
				t.Errorf("%+v", v)
			}
		}
	})
}
