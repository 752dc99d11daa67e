package amplifystore_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/amplifystore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The fixtures' account, and the prefix of its keys.
const (
	pool   = "us-east-1_AbCdEf123"
	client = "1h57kf5cpq17m0eml12EXAMPLE"
	prefix = "CognitoIdentityServiceProvider." + client + "."
	sub    = "2f1b6c4e-9d3a-4f57-8a60-5b1c7d2e3f48"
)

var alice = storetest.Account("alice@example.com")

// storage is a KeyValue that shows what it holds, counts calls and fails when told.
type storage struct {
	amplifystore.Map // for Clear, which no test needs
	mu               sync.Mutex
	items            map[string]string
	writes           []string // keys in the order of their writes
	calls            int
	failAt           int   // the call that fails; 0 is none
	fault            error // what it says
	after            bool  // fail after the change was made
}

func newStorage() *storage { return &storage{items: make(map[string]string)} }

func (s *storage) fails() bool {
	s.calls++
	return s.failAt > 0 && s.calls >= s.failAt
}

func (s *storage) change(ctx context.Context, key string, change func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.fails() {
		if s.after && s.calls == s.failAt {
			change()
		}
		return s.fault
	}
	s.writes = append(s.writes, key)
	change()
	return nil
}

func (s *storage) SetItem(ctx context.Context, key, value string) error {
	return s.change(ctx, key, func() { s.items[key] = value })
}

func (s *storage) RemoveItem(ctx context.Context, key string) error {
	return s.change(ctx, key, func() { delete(s.items, key) })
}

func (s *storage) Item(ctx context.Context, key string) (string, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	if s.fails() {
		return "", false, s.fault
	}
	value, ok := s.items[key]
	return value, ok, nil
}

// copied returns what the storage holds; repaired returns a sound storage with it.
func (s *storage) copied() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.items)
}

func (s *storage) repaired() *storage { return &storage{items: s.copied()} }

// put writes keys of alice as JavaScript does; an empty value removes the key.
func (s *storage) put(pairs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(pairs); i += 2 {
		key := prefix + pairs[i]
		if pairs[i] != "LastAuthUser" {
			key = prefix + alice.Username + "." + pairs[i]
		}
		if pairs[i+1] == "" {
			delete(s.items, key)
		} else {
			s.items[key] = pairs[i+1]
		}
	}
}

// token mints a token as Cognito's look, unsigned: nobody here verifies it.
func token(use string, issued time.Time, change func(claims map[string]any)) string {
	claims := map[string]any{
		"sub": sub, "iss": "https://cognito-idp.us-east-1.amazonaws.com/" + pool, "token_use": use,
		"iat": issued.Unix(), "exp": issued.Add(time.Hour).Unix(),
	}
	if use == "access" {
		claims["client_id"], claims["scope"] = client, "aws.cognito.signin.user.admin"
	} else {
		claims["aud"] = client
	}
	if change != nil {
		change(claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err) // a mistake in the test
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"kid":"k","alg":"RS256"}`)) + "." + encode(payload) + "." + encode([]byte("signature"))
}

var issued = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// signedIn writes what Amplify JS 6.22 writes at a sign-in with SRP on a
// remembered device.
func signedIn(s *storage, at time.Time) {
	s.put("LastAuthUser", alice.Username, "accessToken", token("access", at, nil), "idToken", token("id", at, nil),
		"refreshToken", "refresh-"+at.String(), "deviceKey", "us-east-1_6f1e", "deviceGroupKey", "-aB3",
		"randomPasswordKey", "cGFzc3dvcmQ=", "signInDetails", `{"loginId":"alice@example.com","authFlowType":"USER_SRP_AUTH"}`,
		"clockDrift", "-348")
}

// signedOut removes what Amplify's sign-out removes.
func signedOut(s *storage) {
	s.put("accessToken", "", "idToken", "", "clockDrift", "", "refreshToken", "", "signInDetails", "",
		"LastAuthUser", "", "oauthMetadata", "")
}

func javaScriptRecord(at time.Time) store.Record {
	received := at.Add(348 * time.Millisecond)
	return store.Record{
		Account: alice, Issuer: "https://cognito-idp.us-east-1.amazonaws.com/" + pool, Sub: sub, Drift: -348 * time.Millisecond, SavedAt: received,
		SignIn: &store.SignIn{LoginID: "alice@example.com", Flow: "USER_SRP_AUTH"},
		Tokens: &store.Tokens{
			Access: store.NewSecret(token("access", at, nil)), ID: store.NewSecret(token("id", at, nil)),
			Refresh: store.NewSecret("refresh-" + at.String()), ReceivedAt: received,
		},
		Device: &store.Device{Key: "us-east-1_6f1e", GroupKey: "-aB3", Password: store.NewSecret("cGFzc3dvcmQ=")},
	}
}

func load(t testing.TB, s store.Store, account store.Account) store.Record {
	t.Helper()
	record, err := s.Load(t.Context(), account)
	if err != nil {
		t.Fatalf("Load(%q): %v", account.Username, err)
	}
	return record
}

func save(t testing.TB, s store.Store, record store.Record, previous uint64) {
	t.Helper()
	if err := s.Save(t.Context(), record, previous); err != nil {
		t.Fatalf("Save(generation %d, previous %d): %v", record.Generation, previous, err)
	}
}
