package amplifystore_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/amplifystore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

const elsewhere = "http://localhost:9229/" + pool

// issuedBy returns an access token with an iss claim, or without if iss is empty.
func issuedBy(iss, sub string, at time.Time) string {
	return token("access", at, func(claims map[string]any) {
		if claims["iss"], claims["sub"] = iss, sub; iss == "" {
			delete(claims, "iss")
		}
	})
}

// TestIssuer saves records with and without an issuer. Load fills what is missing.
func TestIssuer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, saved, access, want string
	}{
		{"none saved", "", issuedBy(elsewhere, sub, issued), elsewhere},
		{"saved", "http://bound", issuedBy(elsewhere, sub, issued), "http://bound"},
		{"no iss claim", "", issuedBy("", sub, issued), ""},
		{"not a token", "", "opaque", ""},
		{"long iss claim", "", issuedBy(strings.Repeat("x", store.MaxText+1), sub, issued), ""},
	}
	for _, test := range tests {
		s := hurried(newStorage())
		record := javaScriptRecord(issued)
		record.Generation, record.Issuer, record.Tokens.Access = 1, test.saved, store.NewSecret(test.access)
		save(t, s, record, 0)
		record.Issuer = test.want
		if diff := storetest.Diff(record, load(t, s, alice)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	// A session that ended keeps its issuer; a client without Amplify's keys has it too.
	s := hurried(newStorage())
	record := storetest.Sample(storetest.Account(""), 1)
	record.Issuer, record.Tokens.Access = "", store.NewSecret(issuedBy(elsewhere, sub, issued))
	save(t, s, record, 0)
	if got := load(t, s, record.Account); got.Issuer != elsewhere {
		t.Errorf("a record that lies whole in the store's own key: issuer %q", got.Issuer)
	}
}

// TestIssuerChanged has JavaScript sign in at another service, with the same ids.
// What belongs to the one before does not go there.
func TestIssuerChanged(t *testing.T) {
	t.Parallel()
	const here = "https://cognito-idp.us-east-1.amazonaws.com/" + pool
	tests := []struct {
		name, iss, sub       string
		issuer               string
		identities, pendings bool
	}{
		{"same issuer, same user", here, sub, here, true, true},
		{"same issuer, another user", here, "another", here, false, true},
		{"another issuer, another user", elsewhere, "another", elsewhere, false, false},
		{"another issuer, same sub", elsewhere, sub, elsewhere, false, false},
		{"no iss claim, same user", "", sub, here, true, true},
		{"no iss claim, another user", "", "another", "", false, true},
	}
	for _, test := range tests {
		kv := newStorage()
		s := hurried(kv)
		record := storetest.Sample(alice, 1)
		record.Sub = sub
		save(t, s, record, 0)
		at := issued.Add(time.Hour)
		signedIn(kv, at)
		id := token("id", at, func(claims map[string]any) { claims["iss"], claims["sub"] = test.iss, test.sub })
		kv.put("accessToken", issuedBy(test.iss, test.sub, at), "idToken", id)
		got := load(t, s, alice)
		if got.Issuer != test.issuer || (got.Identities != nil) != test.identities || (got.Pending != nil) != test.pendings {
			t.Errorf("%s: issuer %q, %d identities, %d pending revocations", test.name, got.Issuer, len(got.Identities), len(got.Pending))
		}
	}
}

// TestServiceIsNotStored saves one account from two services: the storage holds the
// same as for the account without a service.
func TestServiceIsNotStored(t *testing.T) {
	t.Parallel()
	plain, served := newStorage(), newStorage()
	there := alice
	there.Service = "http://localhost:9229"
	for kv, account := range map[*storage]store.Account{plain: alice, served: there} {
		s := hurried(kv)
		save(t, s, storetest.Sample(account, 1), 0)
		if err := s.SetActive(t.Context(), account); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(plain.copied(), served.copied()); diff != "" {
		t.Errorf("storage without a service (-) and with one (+):\n%s", diff)
	}
	long := storetest.Sample(there, 2)
	long.Account.Service = strings.Repeat("x", store.MaxText+1)
	if err := hurried(served).Save(t.Context(), long, 1); err == nil {
		t.Error("Save took a service that is too long")
	}
}

// TestOwnKeyOfSchema3 reads a key that an earlier version of this package wrote.
func TestOwnKeyOfSchema3(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	account, err := json.Marshal(map[string]string{"pool_id": alice.PoolID, "client_id": alice.ClientID, "username": alice.Username})
	if err != nil {
		t.Fatal(err)
	}
	const id = "us-east-1:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
	payload := `{"generation":7,"account":` + string(account) + `,"sub":"` + sub + `","ended":{"reason":"signed-out"},"identity_id":"` + id + `"}`
	kv.items[prefix+"alice%40example%2Ecom."+pool+".latchkey"] = sealed(t, map[string]any{"record": string(storetest.Frame(3, "record", payload))})
	s := hurried(kv)
	record := load(t, s, alice)
	if got := record.IdentityAt("us-east-1:pool", "", "").ID; record.Generation != 7 || got != id {
		t.Errorf("generation %d, identity %q", record.Generation, got)
	}
	record.Generation = 8
	save(t, s, record, 7)
	if diff := storetest.Diff(record, load(t, s, alice)); diff != "" {
		t.Error(diff)
	}
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	stores := map[string]*amplifystore.Store{
		"nil": nil, "zero": {}, "no storage": amplifystore.New(nil), "nil storage": amplifystore.New((*amplifystore.Map)(nil)),
	}
	for name, s := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "nil storage" { // the lock is the store's own
				if _, err := s.Load(t.Context(), alice); err == nil {
					t.Error("Load: no error")
				}
				return
			}
			storetest.CheckUnusable(t, s)
		})
	}
	var zero amplifystore.Map
	if err := zero.SetItem(t.Context(), "a", "1"); err != nil {
		t.Errorf("SetItem of the zero Map: %v", err)
	}
}
