package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	issuer := w.server.Issuer(w.pool)
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, body := w.do(r)
	var document map[string]any
	if err := wire.Unmarshal(body, &document); err != nil || answer.StatusCode != 200 {
		t.Fatalf("%d %s: %v", answer.StatusCode, body, err)
	}
	if document["issuer"] != issuer || document["jwks_uri"] != issuer+"/.well-known/jwks.json" {
		t.Errorf("discovery document %s", body)
	}
	r, err = http.NewRequestWithContext(context.Background(), http.MethodGet, issuer+"/.well-known/jwks.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, body = w.do(r)
	if n := strings.Count(string(body), `"kid"`); n != 2 || answer.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(answer.Header.Get("Cache-Control"), "max-age=") {
		t.Errorf("JWKS with %d keys, headers %v", n, answer.Header)
	}
}
