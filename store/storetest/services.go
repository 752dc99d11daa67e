package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/latchkey-auth/latchkey/store"
)

// at returns the account at a service.
func at(account store.Account, service string) store.Account {
	account.Service = service
	return account
}

// services are origins that a store which folds or cuts them would mix up.
var services = []string{"", "http://localhost:9229", "http://localhost:9230", "https://localhost:9229", "http://LOCALHOST:9229"}

// testServices keeps one account at several services: record, pointer, list, lock
// and watch of one are not those of another.
func testServices(t *testing.T, s store.Store) {
	alice := Account("alice")
	for i, service := range services {
		account := at(alice, service)
		mustSave(t, s, Sample(account, uint64(i+1)), 0)
		if err := s.SetActive(t.Context(), account); err != nil {
			t.Fatalf("SetActive at %q: %v", service, err)
		}
	}
	if err := s.Delete(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	checkList(t, s, alice.Scope, nil)
	if got, err := s.Active(t.Context(), alice.Scope); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Active after Delete: %+v, %v, want ErrNotFound", got, err)
	}
	for i, service := range services[1:] {
		account := at(alice, service)
		if diff := Diff(Sample(account, uint64(i+2)), mustLoad(t, s, account)); diff != "" {
			t.Errorf("record at %q:\n%s", service, diff)
		}
		checkList(t, s, account.Scope, []string{"alice"})
		checkActive(t, s, account)
	}
	if l, ok := s.(store.Locker); ok {
		defer mustLock(t, l, at(alice, services[1]))()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := lockOnce(ctx, l, at(alice, services[2])); err != nil {
			t.Errorf("Lock at another service: %v", err)
		}
	}
}

// testSharedServices is testServices for a store that has no place for services.
func testSharedServices(t *testing.T, s store.Store) {
	alice, here := Account("alice"), at(Account("alice"), services[1])
	mustSave(t, s, Sample(alice, 1), 0)
	mustSave(t, s, Sample(here, 2), 1)
	if err := s.SetActive(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	for _, service := range services {
		account := at(alice, service)
		if diff := Diff(Sample(account, 2), mustLoad(t, s, account)); diff != "" {
			t.Errorf("record at %q:\n%s", service, diff)
		}
		checkActive(t, s, account)
		list, err := s.List(t.Context(), account.Scope)
		if err != nil || !slices.Equal(list, []store.Account{account}) {
			t.Errorf("List at %q: %+v, %v", service, list, err)
		}
	}
	if err := s.Delete(t.Context(), here); err != nil {
		t.Fatal(err)
	}
	checkList(t, s, alice.Scope, nil)
}

// testServiceLister has sessions begin, move and end at several services.
func testServiceLister(t *testing.T, s store.Store) {
	lister, ok := s.(store.ServiceLister)
	if !ok {
		t.Skipf("%T is no store.ServiceLister", s)
	}
	alice := Account("alice")
	expect := func(when string, want ...string) {
		t.Helper()
		got, err := lister.Services(t.Context(), alice.PoolID, alice.ClientID)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("Services %s: %v (-want +got):\n%s", when, err, diff)
		}
	}
	activate := func(account store.Account) {
		t.Helper()
		if err := s.SetActive(t.Context(), account); err != nil {
			t.Fatal(err)
		}
	}
	expect("of an empty store")
	here, there := at(alice, services[2]), at(alice, services[1])
	activate(here)
	expect("of a pointer without a record")
	mustSave(t, s, Sample(here, 1), 0)
	expect("after a sign-in", here.Service)
	mustSave(t, s, Sample(there, 1), 0)
	expect("with a session that is not active", here.Service)
	activate(there)
	mustSave(t, s, Sample(alice, 1), 0)
	activate(alice)
	expect("after three sign-ins, in order", "", there.Service, here.Service)
	for _, scope := range []store.Scope{
		{PoolID: alice.PoolID, ClientID: "other", Service: "http://other-client"},
		{PoolID: "us-east-1_Other", ClientID: alice.ClientID, Service: "http://other-pool"},
	} {
		other := store.Account{Scope: scope, Username: "alice"}
		mustSave(t, s, Sample(other, 1), 0)
		activate(other)
	}
	expect("with sessions of another client and another pool", "", there.Service, here.Service)
	mustSave(t, s, ended(Sample(here, 2)), 1)
	expect("after a sign-out", "", there.Service)
	guest := at(Account(""), services[1])
	mustSave(t, s, store.Record{Generation: 1, Account: guest, Identities: Sample(guest, 1).Identities}, 0)
	activate(guest)
	expect("where a guest is active", "")
	if err := s.Delete(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	expect("after a deletion")
}
