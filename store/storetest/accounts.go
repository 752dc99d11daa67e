package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/latchkey-auth/latchkey/store"
)

// testDelete also lets a refresh land after the sign-out: it must not bring the
// session back.
func testDelete(t *testing.T, s store.Store) {
	alice, bob := Account("alice"), Account("bob")
	if err := s.Delete(t.Context(), alice); err != nil {
		t.Errorf("Delete from an empty store: %v", err)
	}
	mustSave(t, s, Sample(alice, 7), 0)
	mustSave(t, s, Sample(bob, 1), 0)
	for range 2 { // the second time there is nothing to delete
		if err := s.Delete(t.Context(), alice); err != nil {
			t.Errorf("Delete: %v", err)
		}
		if _, err := s.Load(t.Context(), alice); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Load after Delete: %v, want ErrNotFound", err)
		}
	}
	if err := s.Save(t.Context(), Sample(alice, 8), 7); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save that lands after Delete: %v, want ErrConflict", err)
	}
	mustLoad(t, s, bob)
	mustSave(t, s, Sample(alice, 1), 0) // a new sign-in
}

// testList wants the order of the names' bytes, which no collation changes.
func testList(t *testing.T, s store.Store) {
	scope := Account("").Scope
	accounts, err := s.List(t.Context(), scope)
	if err != nil || len(accounts) != 0 {
		t.Fatalf("List of an empty store: %v, %v", accounts, err)
	}
	names := []string{"b", "", "ä", "a", "Z", "aa", "B"}
	for i, name := range names {
		mustSave(t, s, Sample(Account(name), uint64(i+1)), 0)
	}
	if err := s.Delete(t.Context(), Account("aa")); err != nil {
		t.Fatal(err)
	}
	checkList(t, s, scope, []string{"", "B", "Z", "a", "b", "ä"})
}

// checkList compares List with names, which are in order.
func checkList(t testing.TB, s store.Store, scope store.Scope, names []string) {
	t.Helper()
	var want []store.Account
	for _, name := range names {
		want = append(want, store.Account{Scope: scope, Username: name})
	}
	got, err := s.List(t.Context(), scope)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

// testScopes uses scopes that a store which glues their parts together would
// mix up.
func testScopes(t *testing.T, s store.Store) {
	scopes := []store.Scope{
		{PoolID: "us-east-1_Aa", ClientID: "client"},
		{PoolID: "us-east-1_aa", ClientID: "client"},
		{PoolID: "us-east-1_Aa", ClientID: "Client"},
		{PoolID: "us-east-1_A", ClientID: "aclient"},
		{PoolID: "us-east-1_Aaclient", ClientID: ""},
		{PoolID: "us-east-1:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", ClientID: ""},
		{PoolID: "", ClientID: ""},
		{PoolID: "a/b", ClientID: "c"},
		{PoolID: "a", ClientID: "b/c"},
	}
	for i, scope := range scopes {
		account := store.Account{Scope: scope, Username: "alice"}
		mustSave(t, s, Sample(account, uint64(i+1)), 0)
		if err := s.SetActive(t.Context(), account); err != nil {
			t.Fatalf("SetActive(%+v): %v", scope, err)
		}
	}
	if err := s.Delete(t.Context(), store.Account{Scope: scopes[0], Username: "alice"}); err != nil {
		t.Fatal(err)
	}
	checkList(t, s, scopes[0], nil)
	for i, scope := range scopes[1:] {
		account := store.Account{Scope: scope, Username: "alice"}
		if diff := Diff(Sample(account, uint64(i+2)), mustLoad(t, s, account)); diff != "" {
			t.Errorf("record of %+v:\n%s", scope, diff)
		}
		checkList(t, s, scope, []string{"alice"})
		checkActive(t, s, account)
	}
}

func checkActive(t testing.TB, s store.Store, want store.Account) {
	t.Helper()
	if got, err := s.Active(t.Context(), want.Scope); err != nil || got != want {
		t.Errorf("Active: %+v, %v, want %+v", got, err, want)
	}
}

// testActive moves the pointer about. It may name accounts without a record, and
// the guest, and goes only with the account that it names.
func testActive(t *testing.T, s store.Store) {
	alice, bob, guest := Account("alice"), Account("bob"), Account("")
	noPointer := func(when string) {
		t.Helper()
		if got, err := s.Active(t.Context(), alice.Scope); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Active %s: %+v, %v, want ErrNotFound", when, got, err)
		}
	}
	point := func(account store.Account) {
		t.Helper()
		if err := s.SetActive(t.Context(), account); err != nil {
			t.Fatalf("SetActive(%q): %v", account.Username, err)
		}
		checkActive(t, s, account)
	}
	remove := func(account store.Account) {
		t.Helper()
		if err := s.Delete(t.Context(), account); err != nil {
			t.Fatalf("Delete(%q): %v", account.Username, err)
		}
	}
	noPointer("of an empty store")
	point(alice) // who has no record
	mustSave(t, s, Sample(alice, 1), 0)
	mustSave(t, s, Sample(bob, 1), 0)
	point(bob)
	remove(alice)
	checkActive(t, s, bob)
	point(guest)
	remove(bob)
	checkActive(t, s, guest)
	remove(guest)
	noPointer("after Delete of the guest")
	point(alice)
	remove(alice) // the pointer goes although there is no record
	noPointer("after Delete of an account without a record")
}

// oddUsernames are names that Cognito or an identity provider may really give,
// and names that a careless store would take for something else. No two are
// equal, though some look alike.
func oddUsernames() []string {
	return []string{
		"", "guest", "alice", "Alice", "ALICE", "alice ", " alice", "alice.",
		".", "..", "../alice", "../../etc/passwd", "/", "/alice", "a/b", `a\b`, "a:b", "a%2Fb",
		"con", "NUL", "aux.json", "alice.json", "alice.lock", "-rf", "~", "*", "?", "$HOME", "'", `"`,
		"someone@example.com", "SignInWithApple_001.abc", "azure_ad_x|y", "google_1234567890",
		"\x00", "a\x00b", "a\nb", "\u202e", "josé", "jose\u0301", "ſ", "K", "\u212a", "日本語", "👩‍👩‍👧", "İstanbul",
		strings.Repeat("a", 128), strings.Repeat("a", 127) + "b", strings.Repeat("語", 128),
	}
}

// testOddUsernames keeps all of them side by side: names that a store confuses
// show as a wrong record or a conflict.
func testOddUsernames(t *testing.T, s store.Store) {
	names := oddUsernames()
	for i, name := range names {
		mustSave(t, s, store.Record{Generation: uint64(i + 1), Account: Account(name), Sub: name}, 0)
	}
	for i, name := range names {
		got := mustLoad(t, s, Account(name))
		want := store.Record{Generation: uint64(i + 1), Account: Account(name), Sub: name}
		if diff := Diff(want, got); diff != "" {
			t.Errorf("record of %q:\n%s", name, diff)
		}
	}
	slices.Sort(names)
	checkList(t, s, Account("").Scope, names)
	for _, name := range names[:len(names)/2] {
		if err := s.Delete(t.Context(), Account(name)); err != nil {
			t.Errorf("Delete(%q): %v", name, err)
		}
	}
	checkList(t, s, Account("").Scope, names[len(names)/2:])
}
