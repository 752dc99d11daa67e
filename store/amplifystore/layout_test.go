package amplifystore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/amplifystore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// amplifys returns the keys that are not ours.
func amplifys(items map[string]string) map[string]string {
	theirs := make(map[string]string)
	for key, value := range items {
		if !strings.HasSuffix(key, ".latchkey") {
			theirs[key] = value
		}
	}
	return theirs
}

// TestLayout spells Amplify's keys out.
func TestLayout(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := amplifystore.New(kv)
	record := storetest.Sample(alice, 1)
	save(t, s, record, 0)
	if err := s.SetActive(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	const of = "CognitoIdentityServiceProvider.1h57kf5cpq17m0eml12EXAMPLE.alice@example.com."
	want := map[string]string{
		"CognitoIdentityServiceProvider.1h57kf5cpq17m0eml12EXAMPLE.LastAuthUser": "alice@example.com",

		of + "accessToken":       record.Tokens.Access.Reveal(),
		of + "idToken":           record.Tokens.ID.Reveal(),
		of + "refreshToken":      record.Tokens.Refresh.Reveal(),
		of + "clockDrift":        "-1500",
		of + "signInDetails":     `{"loginId":"someone@example.com","authFlowType":"USER_SRP_AUTH"}`,
		of + "deviceKey":         "us-east-1_6f1e",
		of + "deviceGroupKey":    "-aB3",
		of + "randomPasswordKey": record.Device.Password.Reveal(),
	}
	if diff := cmp.Diff(want, amplifys(kv.items)); diff != "" {
		t.Errorf("Amplify's keys (-want +got):\n%s", diff)
	}
	for key, value := range kv.items {
		if !strings.HasSuffix(key, ".latchkey") {
			continue
		}
		for name, secret := range map[string]store.Secret{
			"access": record.Tokens.Access, "id": record.Tokens.ID, "refresh": record.Tokens.Refresh, "device": record.Device.Password,
		} {
			if strings.Contains(value, secret.Reveal()) {
				t.Errorf("%s holds the %s secret, which would outlive a sign-out in JavaScript", key, name)
			}
		}
	}
	save(t, s, over(record, 2), 1)
	for name := range want {
		_, there := kv.items[name]
		kept := strings.HasSuffix(name, "Key") || strings.HasSuffix(name, "LastAuthUser")
		if there != kept {
			t.Errorf("%s after a sign-out: there is %t, want %t", name, there, kept)
		}
	}
	if diff := storetest.Diff(over(record, 2), load(t, s, alice)); diff != "" {
		t.Errorf("ended record:\n%s", diff)
	}
	if err := s.Delete(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if left := amplifys(kv.items); len(left) != 0 {
		t.Errorf("Delete left %v", left)
	}
}

// over is the record of a signed-out user whose device is remembered.
func over(record store.Record, generation uint64) store.Record {
	return store.Record{
		Generation: generation, Account: record.Account, Sub: record.Sub, Device: record.Device,
		Ended: &store.Ended{Reason: "signed-out", At: record.SavedAt},
	}
}

// TestOrder looks at the order of writes: see the package's documentation.
func TestOrder(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := amplifystore.New(kv)
	save(t, s, storetest.Sample(alice, 1), 0)
	shortened := func() string {
		var names []string
		for _, key := range kv.writes {
			names = append(names, key[strings.LastIndexByte(key, '.')+1:])
		}
		kv.writes = nil
		return strings.Join(names, " ")
	}
	const own = "latchkey"
	steps := []struct {
		name string
		do   func() error
		want string
	}{
		{"sign-in", func() error { return nil },
			"latchkey latchkey latchkey refreshToken idToken clockDrift signInDetails deviceKey deviceGroupKey randomPasswordKey accessToken latchkey"},
		{"refresh", func() error { return s.Save(t.Context(), refreshed(2), 1) }, own + " refreshToken idToken accessToken " + own},
		{"credentials only", func() error {
			record := refreshed(3)
			record.Tokens = refreshed(2).Tokens
			return s.Save(t.Context(), record, 2)
		}, own},
		{"activate", func() error { return s.SetActive(t.Context(), alice) }, own + " LastAuthUser " + own},
		{"sign-out", func() error { return s.Save(t.Context(), over(storetest.Sample(alice, 1), 4), 3) },
			own + " accessToken refreshToken idToken clockDrift signInDetails " + own},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := shortened(); got != step.want {
			t.Errorf("%s wrote\n%s, want\n%s", step.name, got, step.want)
		}
	}
}

// refreshed is the sample with the first one's device.
func refreshed(generation uint64) store.Record {
	record := storetest.Sample(alice, generation)
	record.Device = storetest.Sample(alice, 1).Device
	return record
}

// TestAccounts keeps two users, a guest and a second pool side by side.
func TestAccounts(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := amplifystore.New(kv)
	bob, guest := storetest.Account("bob"), storetest.Account("")
	other := store.Account{Scope: store.Scope{PoolID: "us-east-1_Other", ClientID: client}, Username: alice.Username}
	for i, account := range []store.Account{alice, bob, guest, other} {
		save(t, s, storetest.Sample(account, uint64(i+1)), 0)
	}
	for _, test := range []struct {
		active store.Account
		last   string
	}{{alice, alice.Username}, {bob, "bob"}, {other, "bob"}, {guest, ""}, {alice, alice.Username}} {
		if err := s.SetActive(t.Context(), test.active); err != nil {
			t.Fatal(err)
		}
		if got := kv.items[prefix+"LastAuthUser"]; got != test.last {
			t.Errorf("LastAuthUser is %q after SetActive(%+v), want %q", got, test.active, test.last)
		}
		if got, err := s.Active(t.Context(), test.active.Scope); err != nil || got != test.active {
			t.Errorf("Active: %+v, %v", got, err)
		}
	}
	for i, account := range []store.Account{alice, bob, guest, other} {
		if diff := storetest.Diff(storetest.Sample(account, uint64(i+1)), load(t, s, account)); diff != "" {
			t.Errorf("%+v:\n%s", account, diff)
		}
	}
	theirs := amplifys(kv.items)
	if len(theirs) != 1+8+8 {
		t.Errorf("%d of Amplify's keys are there, want LastAuthUser and eight each of alice and bob", len(theirs))
	}
	if theirs[prefix+"alice@example.com.accessToken"] != storetest.Sample(alice, 1).Tokens.Access.Reveal() {
		t.Error("the other pool's tokens took the place of alice's")
	}
}

func TestKeyPrefix(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := amplifystore.New(kv, amplifystore.WithKeyPrefix("@MemoryStorage:"))
	save(t, s, storetest.Sample(alice, 1), 0)
	if err := s.SetActive(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	for key := range kv.items {
		if !strings.HasPrefix(key, "@MemoryStorage:CognitoIdentityServiceProvider.") {
			t.Errorf("key %s is without the prefix", key)
		}
	}
}

// TestOwnDamage changes each byte of our keys.
func TestOwnDamage(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := amplifystore.New(kv)
	save(t, s, storetest.Sample(alice, 1), 0)
	own := prefix + "alice%40example%2Ecom." + pool + ".latchkey"
	sound := kv.items[own]
	if sound == "" {
		t.Fatalf("there is no %s", own)
	}
	for i := range sound {
		changed := []byte(sound)
		changed[i] ^= 1
		kv.items[own] = string(changed)
		if _, err := s.Load(t.Context(), alice); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("byte %d changed: %v, want ErrDamaged", i, err)
		}
	}
	if err := s.Save(t.Context(), storetest.Sample(alice, 2), 1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("refresh of what is damaged: %v, want ErrConflict", err)
	}
	save(t, s, storetest.Sample(alice, 1), 0) // a new sign-in takes its place
	if diff := storetest.Diff(storetest.Sample(alice, 1), load(t, s, alice)); diff != "" {
		t.Error(diff)
	}
	kv.items[prefix+pool+".latchkey"] = "nonsense"
	if _, err := s.List(t.Context(), alice.Scope); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("List: %v, want ErrDamaged", err)
	}
	if _, err := s.Active(t.Context(), alice.Scope); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Active: %v, want ErrDamaged", err)
	}
	if err := s.SetActive(t.Context(), alice); err != nil {
		t.Errorf("SetActive writes the index anew: %v", err)
	}
	if got, err := s.Active(t.Context(), alice.Scope); err != nil || got != alice {
		t.Errorf("Active: %v, %v", got, err)
	}
}

// TestNewer leaves a newer program's record where it is.
func TestNewer(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := amplifystore.New(kv)
	save(t, s, storetest.Sample(alice, 1), 0)
	own := prefix + "alice%40example%2Ecom." + pool + ".latchkey"
	kv.items[own] = sealed(t, map[string]any{"record": string(storetest.Frame(store.Schema+1, "record", "{}"))})
	before := kv.copied()
	_, err := s.Load(t.Context(), alice)
	if newer, ok := errors.AsType[*store.SchemaError](err); !ok || newer.Found != store.Schema+1 {
		t.Errorf("Load: %v, want a SchemaError", err)
	}
	if diff := cmp.Diff(before, kv.copied()); diff != "" {
		t.Errorf("Load changed the storage:\n%s", diff)
	}
	if accounts, err := s.List(t.Context(), alice.Scope); err != nil || !slices.Contains(accounts, alice) {
		t.Errorf("List: %v, %v", accounts, err)
	}
}
