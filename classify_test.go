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
// internal/cognito holds every row against the rule itself.
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
	attributes, err := attributesOf(t.Context(), c)
	if err != nil || attributes["email"] != "alice@example.com" || p.count(opRefresh) != 1 {
		t.Errorf("GetUser = %v, %v after %d refreshes", attributes, err, p.count(opRefresh))
	}
	p.set(func(p *fakePool) {
		p.script = nil
		for _, f := range p.families {
			f.revoked = true
		}
	})
	if _, err := attributesOf(t.Context(), c); !errors.Is(err, ErrSessionExpired) {
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
