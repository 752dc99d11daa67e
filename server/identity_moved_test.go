package server_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/internal/openid/openidtest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// moveTo starts the service anew on the same data, with another public URL.
func (w *world) moveTo(publicURL string) {
	w.t.Helper()
	w.config.PublicURL = publicURL
	moved, err := server.New(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = moved.Close() })
	w.server = moved
}

// TestTokenFromBeforeTheMove: an ID token that was issued before the service moved to
// another port is a login until it expires, under each name of the user pool.
func TestTokenFromBeforeTheMove(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann")
	w.forgetSettings("Issuers") // as a pool of an earlier version
	token := w.signIn("ann").IdToken
	id := w.mustID(w.login(token))
	before := w.issuerKey()
	for _, port := range []string{"1", "2"} {
		w.moveTo("http://127.0.0.1:" + port)
		for _, key := range []string{w.awsKey(), before} {
			login := wire.Parameters{key: string(token)}
			if got, err := w.getID(login); err != nil || got != id {
				t.Errorf("port %s, key %s: %s, %v", port, key, got, err)
			}
			if _, err := w.getCredentials(id, login); err != nil {
				t.Errorf("port %s, key %s: %v", port, key, err)
			}
		}
		now := w.signIn("ann").IdToken
		if got := pooltest.Claims(t, now).Issuer(); got != "http://127.0.0.1:"+port+"/"+w.pool {
			t.Errorf("issuer %s", got)
		}
		if got := w.mustID(wire.Parameters{"127.0.0.1:" + port + "/" + w.pool: string(now)}); got != id {
			t.Errorf("the new token: %s", got)
		}
	}
	_, err := w.getID(w.login(wire.Sensitive(openidtest.WithSubject(string(token), "x"))))
	wantRefusal(t, "forged", err, wire.MessageLoginSignature)
	must[wire.AdminUserGlobalSignOutResponse](w, "AdminUserGlobalSignOut", &wire.AdminUserGlobalSignOutRequest{UserPoolId: w.pool, Username: "ann"})
	_, err = w.getID(w.login(token))
	wantRefusal(t, "signed out", err, wire.MessageTokenInactive)
	w.advance(25 * time.Hour)
	_, err = w.getID(w.login(token))
	if err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("expired: %v", err)
	}
}

// TestIssuerThatThePoolNeverHad: a token with the pool's key and another issuer, such as
// that of a service on a copy of the data, is none of this service's.
func TestIssuerThatThePoolNeverHad(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann")
	public := w.url
	w.moveTo("https://copy.example.com")
	token := w.signIn("ann").IdToken
	w.forgetSettings("Issuers")
	w.moveTo(public)
	_, err := w.getID(w.login(token))
	wantRefusal(t, "by AWS's name", err, wire.MessageLoginIssuerMismatch)
	_, err = w.getID(wire.Parameters{"copy.example.com/" + w.pool: string(token)})
	wantRefusal(t, "by the issuer", err, wire.MessageUnsupportedProvider)
	for _, key := range []string{"evil.example/us-east-1_nothing00", "us-east-1_", "_", w.pool, "://" + w.pool} {
		_, err = w.getID(wire.Parameters{key: string(token)})
		wantRefusal(t, key, err, wire.MessageUnsupportedProvider)
	}
}

// TestPoolRemembersFewIssuers: a service that moves every day does not fill its pools.
func TestPoolRemembersFewIssuers(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann")
	var last, first wire.Sensitive
	for i := range 12 {
		w.moveTo("http://127.0.0.1:" + strconv.Itoa(100+i))
		last = w.signIn("ann").IdToken
		if i == 0 {
			first = last
		}
	}
	w.moveTo("http://127.0.0.1:1")
	w.mustID(w.login(last))
	_, err := w.getID(w.login(first))
	wantRefusal(t, "the oldest", err, wire.MessageLoginIssuerMismatch)
}
