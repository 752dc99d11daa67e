package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/store"
)

// model is the simplest thing that does what a store must do. It states the
// rules a second time, independently of store.Admit.
type model struct {
	store   store.Store
	lister  store.ServiceLister // nil if the store is none
	scopes  []store.Scope
	records map[store.Account]store.Record
	active  map[store.Scope]store.Account
}

// testModel does what comes to rapid's mind to the store and to the model, and
// compares everything that can be seen after each step.
func testModel(t *testing.T, s store.Store) {
	lister, apart := s.(store.ServiceLister)
	var run atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		// Each run has different scopes, and so an empty store.
		n := run.Add(1)
		m := &model{
			store:  s,
			lister: lister,
			scopes: []store.Scope{
				{PoolID: fmt.Sprintf("us-east-1_%d", n), ClientID: "one"},
				{PoolID: fmt.Sprintf("us-east-1_%d", n), ClientID: "two"},
			},
			records: make(map[store.Account]store.Record),
			active:  make(map[store.Scope]store.Account),
		}
		if apart && n%2 == 0 { // scopes that differ in their service, in place of the client
			m.scopes[1] = m.scopes[0]
			m.scopes[1].Service = "http://localhost:9229"
		}
		t.Repeat(map[string]func(*rapid.T){
			"save":      m.save,
			"refresh":   m.refresh,
			"delete":    m.delete,
			"setActive": m.setActive,
			"":          m.check,
		})
	})
}

// account draws one of six accounts: few, so that steps meet.
func (m *model) account(t *rapid.T) store.Account {
	return store.Account{
		Scope:    rapid.SampledFrom(m.scopes).Draw(t, "scope"),
		Username: rapid.SampledFrom([]string{"", "alice", "Alice"}).Draw(t, "username"),
	}
}

// save tries any generation after any other.
func (m *model) save(t *rapid.T) {
	account := m.account(t)
	record := Sample(account, rapid.Uint64Range(1, 6).Draw(t, "next"))
	m.put(t, record, rapid.Uint64Range(0, 5).Draw(t, "previous"))
}

// refresh does what a program does: it goes on from what is kept.
func (m *model) refresh(t *rapid.T) {
	account := m.account(t)
	kept := m.records[account].Generation
	m.put(t, Sample(account, kept+rapid.Uint64Range(1, 3).Draw(t, "step")), kept)
}

// put saves the record in both, if the rules let it.
func (m *model) put(t *rapid.T, record store.Record, previous uint64) {
	var want error
	switch kept := m.records[record.Account].Generation; {
	case record.Generation <= previous:
		want = store.ErrGeneration
	case previous != kept:
		want = store.ErrConflict
	}
	if err := m.store.Save(t.Context(), record, previous); !errors.Is(err, want) {
		t.Fatalf("Save(generation %d, previous %d): %v, want %v", record.Generation, previous, err, want)
	}
	if want == nil {
		m.records[record.Account] = record
	}
}

func (m *model) delete(t *rapid.T) {
	account := m.account(t)
	if err := m.store.Delete(t.Context(), account); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	delete(m.records, account)
	if active, ok := m.active[account.Scope]; ok && active == account {
		delete(m.active, account.Scope)
	}
}

func (m *model) setActive(t *rapid.T) {
	account := m.account(t)
	if err := m.store.SetActive(t.Context(), account); err != nil {
		t.Fatalf("SetActive: %v", err)
	}
	m.active[account.Scope] = account
}

// check compares everything that can be read, after every step.
func (m *model) check(t *rapid.T) {
	m.checkServices(t)
	for _, scope := range m.scopes {
		var listed []store.Account
		for _, name := range []string{"", "Alice", "alice"} {
			account := store.Account{Scope: scope, Username: name}
			if m.checkRecord(t, account) {
				listed = append(listed, account)
			}
		}
		got, err := m.store.List(t.Context(), scope)
		if err != nil || !slices.Equal(got, listed) {
			t.Fatalf("List: %v, %v, want %v", got, err, listed)
		}
		active, err := m.store.Active(t.Context(), scope)
		want, ok := m.active[scope]
		if ok && (err != nil || active != want) || !ok && !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("Active: %v, %v, want %v (%t)", active, err, want, ok)
		}
	}
}

// checkServices compares the services with a live session of the run's pool.
func (m *model) checkServices(t *rapid.T) {
	if m.lister == nil {
		return
	}
	var want []string
	for _, scope := range m.scopes { // in the order of their services
		if _, ok := m.records[m.active[scope]]; ok && scope.ClientID == m.scopes[0].ClientID {
			want = append(want, scope.Service)
		}
	}
	got, err := m.lister.Services(t.Context(), m.scopes[0].PoolID, m.scopes[0].ClientID)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("Services: %q, %v, want %q", got, err, want)
	}
}

// checkRecord compares one account and says whether it has a record.
func (m *model) checkRecord(t *rapid.T, account store.Account) (kept bool) {
	want, ok := m.records[account]
	got, err := m.store.Load(t.Context(), account)
	if !ok {
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("Load of nothing: %v, %v, want ErrNotFound", got, err)
		}
		return false
	}
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if diff := Diff(want, got); diff != "" {
		t.Fatalf("Load (-want +got):\n%s", diff)
	}
	return true
}
