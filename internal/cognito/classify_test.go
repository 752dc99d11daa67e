package cognito

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

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// row is one row of the root's testdata/error-classification.json.
type row struct {
	ID          string            `json:"id"`
	Op          string            `json:"op"`
	Status      *int              `json:"status"`
	Headers     map[string]string `json:"headers"`
	Body        string            `json:"body"`
	EndsSession bool              `json:"endsSession"`
	Retry       bool              `json:"retry"`
	Kind        string            `json:"kind"`
}

func rows(t *testing.T) []row {
	t.Helper()
	data, err := os.ReadFile("../../testdata/error-classification.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []row `json:"cases"`
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
var classNames = map[fault.Class]string{
	fault.Unknown: "unknown", fault.Ended: "session-ended", fault.Misconfigured: "config", fault.TooManyCalls: "throttled",
	fault.ServerFailed: "server", fault.BadRequest: "request", fault.Policy: "policy", fault.ClockOff: "clock", fault.Unreached: "network",
	fault.Malformed: "malformed", fault.Canceled: "cancelled", fault.IdentityGone: "drop-identity", fault.Conflict: "conflict",
}

// netFailures are the errors of the transport in the rows without a status.
var netFailures = map[string]error{
	"net-dns-timeout":           &net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}},
	"net-conn-reset":            io.ErrUnexpectedEOF,
	"net-tls-bad-cert":          &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
	"net-tls-handshake-timeout": errors.New("net/http: TLS handshake timeout"),
	"net-context-cancelled":     context.Canceled,
	"net-http2-goaway":          errors.New("http2: server sent GOAWAY and closed the connection"),
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// endpointOf answers every call in the same way.
func endpointOf(f transport) *Endpoint {
	return &Endpoint{URL: "https://pool.example/", Service: wire.UserPools, Client: &http.Client{Transport: f}, Timeout: 10 * time.Second}
}

// answer is the HTTP answer of a row.
func (r row) answer() *http.Response {
	header := http.Header{}
	for name, value := range r.Headers {
		header.Set(name, value)
	}
	body := r.Body
	if r.ID == "ok-huge" {
		body = strings.Repeat(" ", 2<<20)
	}
	return &http.Response{StatusCode: *r.Status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

// TestClassification calls with each row's answer: the fault has its class, ends a
// session and may be repeated as the row says. What is wrong with tokens is NewGrant's
// to find; rows of other operations are held against a whole client in the root.
func TestClassification(t *testing.T) {
	t.Parallel()
	for _, r := range rows(t) {
		if r.Kind == "wrong-issuer" || r.Kind == "wrong-user" || r.Kind == "see why" || r.ID == "net-timeout-body-1Bps" {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			op := r.Op
			if strings.HasPrefix(op, "POST /oauth2/token") {
				op = OpToken
			}
			e := endpointOf(func(*http.Request) (*http.Response, error) {
				if r.Status == nil {
					return nil, netFailures[r.ID]
				}
				return r.answer(), nil
			})
			var out struct {
				Result *wire.AuthenticationResultType `json:"AuthenticationResult"`
			}
			when, err := e.roundTrip(t.Context(), op, &out, func(*http.Request) {}, nil)
			if err == nil {
				_, err = NewGrant(op, out.Result, when, Audience{AcceptsIssuer: func(string) bool { return true }})
			}
			f := fault.Find(err)
			if f.EndsSession != r.EndsSession || f.Retryable != r.Retry || classNames[f.Class] != r.Kind {
				t.Errorf("%v: class %q, ends %t, retry %t; want %+v", err, classNames[f.Class], f.EndsSession, f.Retryable, r)
			}
		})
	}
}

func TestRefusalTexts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		op, message string
		want        fault.Class
	}{
		{OpRefresh, "Refresh Token has expired", fault.Ended},
		{OpRefresh, "The user has been deleted for the associated refresh token", fault.Ended},
		{OpRefresh, "a text that nobody has seen before", fault.Ended},
		{OpRefresh, "", fault.Ended},
		{OpRefresh, "Invalid Refresh Token.", fault.Device},
		{OpRefresh, "Invalid device key given.", fault.DeviceUnknown},
		{OpRefresh, "Device does not exist.", fault.DeviceUnknown},
		{OpRefresh, "Unable to verify secret hash for client abc", fault.Misconfigured},
		{OpRefresh, "SecretHash does not match for the client: abc", fault.Misconfigured},
		{"InitiateAuth", "Incorrect username or password.", fault.Refused},
		{"InitiateAuth", "Password attempts exceeded", fault.TooManyCalls},
		{"GetUser", "Access Token has been revoked", fault.Refused},
	}
	for _, tt := range tests {
		v := byRefusal(tt.op, tt.message)
		if v.class != tt.want || v.ends != (tt.want == fault.Ended) {
			t.Errorf("%s %q: %+v, want class %d", tt.op, tt.message, v, tt.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "120": 2 * time.Minute, "1000000000": maxRetryAfter, "99999999999999999999": maxRetryAfter, "-99999999999999999999": 0, "soon": 0,
		"Fri, 20 Nov 2026 12:00:30 GMT": 30 * time.Second, "Fri, 20 Nov 2026 11:00:00 GMT": 0, "Sat, 20 Nov 2027 12:00:00 GMT": maxRetryAfter,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestForeignSuccess checks that a success in another format than JSON is a network
// failure: a captive portal answers 200 too, and an answer without content is Cognito's
// only if nothing says otherwise.
func TestForeignSuccess(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, kind, body string
		want             fault.Class // Unknown for success
	}{
		{"portal", "text/html; charset=utf-8", "<html>sign in to the Wi-Fi</html>", fault.Unreached},
		{"empty portal", "text/html", "", fault.Unreached},
		{"plain text", "text/plain", "OK", fault.Unreached},
		{"JSON under another name", "text/plain; charset=utf-8", "{}", fault.Unknown},
		{"Cognito", "application/x-amz-json-1.1", "", fault.Unknown},
		{"Cognito with an object", "application/x-amz-json-1.1", "{}", fault.Unknown},
		{"upper case", "Application/JSON", "{}", fault.Unknown},
		{"no type, empty", "", "", fault.Unknown},
		{"no type, a page", "", "<html>", fault.Malformed},
	}
	for _, tt := range tests {
		e := endpointOf(func(*http.Request) (*http.Response, error) {
			h := http.Header{}
			if tt.kind != "" {
				h.Set("Content-Type", tt.kind)
			}
			return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(strings.NewReader(tt.body))}, nil
		})
		_, err := e.Call(t.Context(), "RevokeToken", struct{}{}, nil)
		if f := fault.Find(err); f.Class != tt.want || (err == nil) != (tt.want == fault.Unknown) {
			t.Errorf("%s: %v (class %d), want class %d", tt.name, err, f.Class, tt.want)
		}
		if tt.want == fault.Unreached && !errors.Is(err, fault.Network) {
			t.Errorf("%s: %v is not a network failure", tt.name, err)
		}
	}
}

// TestCallTimesOut checks a body that never ends: the call's own deadline is a network
// failure, the caller's is the caller's error.
func TestCallTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := endpointOf(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(endless{r.Context()})}, nil
		})
		_, err := e.Call(t.Context(), OpRefresh, struct{}{}, nil)
		if f := fault.Find(err); f.Class != fault.Unreached || !f.Retryable || !errors.Is(err, ErrTimeout) {
			t.Errorf("own deadline: %v", err)
		}
		bounded, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := e.Call(bounded, OpRefresh, struct{}{}, nil); err != context.DeadlineExceeded { //nolint:errorlint // as it is
			t.Errorf("the caller's deadline: %v", err)
		}
	})
}

// endless gives a byte per second until its reader gives up.
type endless struct{ ctx context.Context }

func (e endless) Read(b []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		return copy(b, " "), nil
	case <-e.ctx.Done(): // as net/http's own bodies do
		return 0, e.ctx.Err()
	}
}

// FuzzClassify checks that no answer makes the rule panic, and that none but status 400
// ends a session.
func FuzzClassify(f *testing.F) {
	f.Add(400, "application/json", "NotAuthorizedException:", `{"__type":"NotAuthorizedException","message":"Refresh Token has expired"}`, "5")
	f.Add(500, "text/html", "", "<html>", "Fri, 20 Nov 2026 12:00:30 GMT")
	f.Add(400, "application/json", "", `{"error":"invalid_grant"}`, "")
	f.Fuzz(func(t *testing.T, status int, kind, typ, body, after string) {
		header := http.Header{"Content-Type": {kind}, "X-Amzn-Errortype": {typ}, "Retry-After": {after}}
		for _, op := range []string{OpRefresh, OpToken, "GetUser", OpCredentials} {
			v, e := classify(op, answer{status, header, []byte(body)})
			if v.ends && (status != 400 || op != OpRefresh && op != OpToken || e.Type == "") {
				t.Errorf("%s %d %q ends a session", op, status, body)
			}
			if v.wait < 0 || v.wait > maxRetryAfter || v.class.Kind(e.Type) == nil {
				t.Errorf("%+v", v)
			}
		}
	})
}
