package cognito

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// refreshAnswer is the answer to a refresh.
func refreshAnswer(t *testing.T, access, id, refresh string) string {
	t.Helper()
	result := map[string]string{}
	for name, value := range map[string]string{"AccessToken": access, "IdToken": id, "RefreshToken": refresh} {
		if value != "" {
			result[name] = value
		}
	}
	data, err := json.Marshal(map[string]any{"AuthenticationResult": result})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRefreshRequests checks what a refresh sends of a record and a client.
func TestRefreshRequests(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, test := range map[string]struct {
		secret, device string
		want           map[string]string
	}{
		"plain":  {"", "", map[string]string{"RefreshToken": "spent", "ClientId": testClient}},
		"secret": {"s", "", map[string]string{"RefreshToken": "spent", "ClientId": testClient, "ClientSecret": "s"}},
		"device": {"", "d", map[string]string{"RefreshToken": "spent", "ClientId": testClient, "DeviceKey": "d"}},
	} {
		var got request
		p := &UserPool{
			Endpoint: answering(200, refreshAnswer(t, accessClaims(now).token(t), idClaims(now).token(t), "next"), &got),
			Secret:   store.NewSecret(test.secret), Tokens: testAudience,
		}
		p.Agent = "agent/1"
		record := aliceRecord(t, accessClaims(now))
		if test.device != "" {
			record.Device = &store.Device{Key: test.device, GroupKey: "g"}
		}
		g, err := p.Refresh(t.Context(), record)
		if err != nil || g.Refresh.Reveal() != "next" || g.Pair.Access.Username() != "alice" {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
		sent := map[string]string{}
		if err := json.Unmarshal([]byte(got.body), &sent); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, sent); diff != "" || got.op != OpRefresh {
			t.Errorf("%s: %s (-want +got):\n%s", name, got.op, diff)
		}
		if h := got.header; h.Get("Content-Type") != wire.ContentType || h.Get("X-Amz-User-Agent") != "agent/1" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", name, h)
		}
	}
}

// TestRefusedRefreshKeepsItsToken checks what is kept of an answer that is refused: the
// next refresh token, if the answer is of the record's sign-in, and nothing of others.
func TestRefusedRefreshKeepsItsToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	access, id := accessClaims(now), idClaims(now)
	token := func(c claims) string { return c.token(t) }
	long := token(access.with(claims{"pad": strings.Repeat("p", wire.MaxToken)}))
	for name, test := range map[string]struct {
		access, id string
		kept       bool
		class      fault.Class
		retry      bool
	}{
		"another issuer":              {token(access.with(claims{"iss": "https://other"})), token(id), true, fault.WrongIssuer, false},
		"another client":              {token(access.with(claims{"client_id": "other"})), token(id), true, fault.WrongUser, false},
		"another use":                 {token(access.with(claims{"token_use": "id"})), token(id), true, fault.Malformed, false},
		"too long":                    {long, token(id), true, fault.Malformed, false},
		"times without sense":         {token(access.with(claims{"exp": 1})), token(id), true, fault.Malformed, false},
		"unreadable, ID tells":        {"opaque", token(id), true, fault.Malformed, false},
		"both unreadable":             {"opaque", "opaque", false, fault.Malformed, true},
		"no tokens":                   {"", "", false, fault.Malformed, true},
		"another user":                {token(access.with(claims{"sub": "sub-2"})), token(id.with(claims{"sub": "sub-2"})), false, fault.WrongUser, false},
		"another user's ID token":     {token(access), token(id.with(claims{"sub": "sub-2"})), false, fault.WrongUser, false},
		"another sign-in":             {token(access.with(claims{"iss": "x", "origin_jti": "other"})), token(id), false, fault.WrongUser, false},
		"no origin, as in old pools":  {token(access.with(claims{"iss": "x", "origin_jti": nil})), token(id.with(claims{"origin_jti": nil})), true, fault.WrongIssuer, false},
		"another user without a name": {token(access.with(claims{"sub": "sub-2", "username": nil})), "", false, fault.WrongUser, false},
	} {
		var got request
		p := &UserPool{Endpoint: answering(200, refreshAnswer(t, test.access, test.id, "next"), &got), Tokens: testAudience}
		g, err := p.Refresh(t.Context(), aliceRecord(t, access))
		f := fault.Find(err)
		if err == nil || f.Class != test.class || f.Retryable != test.retry || f.EndsSession {
			t.Errorf("%s: %v (class %d, retry %t), want class %d, retry %t", name, err, f.Class, f.Retryable, test.class, test.retry)
		}
		if kept := g.Refresh.Reveal() == "next"; kept != test.kept || g.Pair.Access != nil {
			t.Errorf("%s: kept %q, tokens %t; want the token %t", name, g.Refresh.Reveal(), g.Pair.Access != nil, test.kept)
		}
	}
}

// TestSalvageByTheSub checks a record whose access token cannot be read: its sub tells
// whose the answer is.
func TestSalvageByTheSub(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for sub, want := range map[string]string{"sub-1": "next", "sub-2": ""} {
		var got request
		spoiled := accessClaims(now).with(claims{"iss": "https://other"}).token(t)
		p := &UserPool{Endpoint: answering(200, refreshAnswer(t, spoiled, "", "next"), &got), Tokens: testAudience}
		record := aliceRecord(t, accessClaims(now))
		record.Sub, record.Tokens.Access = sub, store.NewSecret("opaque")
		g, err := p.Refresh(t.Context(), record)
		if err == nil || g.Refresh.Reveal() != want {
			t.Errorf("%s: %q, %v", sub, g.Refresh.Reveal(), err)
		}
	}
}

// TestRefreshRefused checks the service's own refusals.
func TestRefreshRefused(t *testing.T) {
	t.Parallel()
	var got request
	for code, ends := range map[string]bool{"NotAuthorizedException": true, "TooManyRequestsException": false} {
		p := &UserPool{Endpoint: answering(400, fmt.Sprintf(`{"__type":%q,"message":"Refresh Token has been revoked"}`, code), &got), Tokens: testAudience}
		g, err := p.Refresh(t.Context(), aliceRecord(t, accessClaims(time.Now())))
		if f := fault.Find(err); f.EndsSession != ends || f.Code != code || f.Op != OpRefresh || !g.Refresh.IsZero() {
			t.Errorf("%s: %+v", code, f)
		}
	}
}

// TestRevoke checks the request of a revocation and its answers.
func TestRevoke(t *testing.T) {
	t.Parallel()
	var got request
	reached := 0
	p := &UserPool{Endpoint: answering(200, "", &got), Secret: store.NewSecret("s"), Tokens: testAudience}
	p.Reached = func() { reached++ }
	if err := p.Revoke(t.Context(), store.NewSecret("r")); err != nil || got.op != "RevokeToken" || reached != 1 {
		t.Errorf("%s: %v, reached %d times", got.op, err, reached)
	}
	if want := `{"Token":"r","ClientId":"client","ClientSecret":"s"}`; got.body != want {
		t.Errorf("body %s, want %s", got.body, want)
	}
	p.Endpoint = answering(400, `{"__type":"UnsupportedTokenTypeException","message":"m"}`, &got)
	p.Reached = func() { reached++ }
	if err := p.Revoke(t.Context(), store.NewSecret("r")); !errors.Is(err, fault.Config) || strings.Contains(err.Error(), `"r"`) || reached != 1 {
		t.Errorf("a refusal: %v, reached %d times", err, reached)
	}
}
