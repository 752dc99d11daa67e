package latchkey

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/store"
)

// TestSessionJSON checks the JSON of a session in each state, and that it holds no token and
// no key.
func TestSessionJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, kept := newFakePool(), store.NewMemory()
		c := p.newClient(t, withStore(kept), withIdentityPool(true))
		guest := fetch(t, c)
		signIn(t, c, "alice")
		session := fetch(t, c)
		tokens := wantTokens(t, session, "alice")
		credentials := wantCredentials(t, p, session)
		text, err := json.Marshal(session)
		if err != nil {
			t.Fatal(err)
		}
		for name, hidden := range map[string]string{
			"access token": tokens.Access.Raw(), "ID token": tokens.ID.Raw(), "key": credentials.SecretAccessKey.Reveal(), "session token": credentials.SessionToken.Reveal(),
		} {
			if hidden == "" || strings.Contains(string(text), hidden) {
				t.Errorf("it holds the %s: %s", name, text)
			}
		}
		type object = map[string]any
		moment := func(t time.Time) string { return t.UTC().Round(0).Format(time.RFC3339Nano) }
		want := object{
			"signed_in": true, "username": "alice", "user_id": "sub-of-alice", "identity_id": identityOf(session),
			"tokens":          object{"expires_at": moment(tokens.Expiry), "refreshable": true},
			"aws_credentials": object{"expires_at": moment(credentials.Expiration)},
		}
		var got object
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		without, _ := json.Marshal(fetch(t, newFakePool().signedIn(t, "alice")))
		nobody, _ := json.Marshal(guest)
		for name, test := range map[string]struct{ text, holds, lacks string }{
			"guest":            {string(nobody), `"signed_in":false`, `"username"`},
			"guest's error":    {string(nobody), `"error":"latchkey: FetchSession: signed out`, `"expires_at":"0001`},
			"no identity pool": {string(without), `"refreshable":true`, `"aws_credentials"`},
		} {
			if !strings.Contains(test.text, test.holds) || strings.Contains(test.text, test.lacks) {
				t.Errorf("%s: %s", name, test.text)
			}
		}
		if text, err := json.Marshal(struct{ S *Session }{}); err != nil || string(text) != `{"S":null}` {
			t.Errorf("nil: %s, %v", text, err)
		}
	})
}
