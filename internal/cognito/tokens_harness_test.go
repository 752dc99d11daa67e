package cognito

import (
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// claims are those of a token; a nil value leaves one out.
type claims map[string]any

// with is the claims with some changed.
func (c claims) with(changes claims) claims {
	changed := maps.Clone(c)
	maps.Copy(changed, changes)
	maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
	return changed
}

// token is an unsigned token of the claims.
func (c claims) token(t *testing.T) string {
	t.Helper()
	payload, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode(payload) + "." + encode([]byte("signature"))
}

const (
	testIssuer = "https://pool.example/us-east-1_a"
	testClient = "client"
)

// accessClaims and idClaims are those of tokens of alice, issued at some time for an hour.
func accessClaims(issued time.Time) claims {
	return claims{
		"sub": "sub-1", "username": "alice", "token_use": "access", "iss": testIssuer, "client_id": testClient, "origin_jti": "origin",
		"iat": issued.Unix(), "exp": issued.Add(time.Hour).Unix(),
	}
}

func idClaims(issued time.Time) claims {
	return claims{
		"sub": "sub-1", "cognito:username": "alice", "token_use": "id", "iss": testIssuer, "aud": testClient, "origin_jti": "origin",
		"iat": issued.Unix(), "exp": issued.Add(time.Hour).Unix(),
	}
}

// testAudience is whom the tokens of these tests are for.
var testAudience = Audience{ClientID: testClient, AcceptsIssuer: func(issuer string) bool { return issuer == testIssuer }}

// request is one request as the service receives it.
type request struct {
	op, query string
	header    http.Header
	body      string
}

// answering is an endpoint whose service gives one answer; the request is noted.
func answering(status int, body string, got *request) *Endpoint {
	return endpointOf(func(r *http.Request) (*http.Response, error) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		_, op, _ := strings.Cut(r.Header.Get(wire.HeaderTarget), ".")
		*got = request{op, r.URL.RawQuery, r.Header, string(data)}
		header := http.Header{"Content-Type": {wire.ContentType}}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	})
}

// aliceRecord is alice's record with an access token of some claims.
func aliceRecord(t *testing.T, access claims) store.Record {
	t.Helper()
	return store.Record{
		Account: store.Account{Username: "alice"}, Sub: "sub-1",
		Tokens: &store.Tokens{Access: store.NewSecret(access.token(t)), Refresh: store.NewSecret("spent")},
	}
}
