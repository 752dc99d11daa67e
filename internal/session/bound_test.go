package session

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
)

// The scopes of one service: its own, that of a former address, and the one without a
// service, of earlier versions.
var (
	ownScope    = store.Scope{Service: "http://localhost:2", PoolID: "us-east-1_a", ClientID: "c"}
	formerScope = store.Scope{Service: "http://localhost:1", PoolID: "us-east-1_a", ClientID: "c"}
	plainScope  = store.Scope{PoolID: "us-east-1_a", ClientID: "c"}
)

// failing is a store whose Delete and SetActive can fail.
type failing struct {
	*store.Memory
	deletes, pointers bool
}

func (f *failing) Delete(ctx context.Context, account store.Account) error {
	if f.deletes {
		return errors.New("no delete today")
	}
	return f.Memory.Delete(ctx, account)
}

func (f *failing) SetActive(ctx context.Context, account store.Account) error {
	if f.pointers {
		return errors.New("no pointer today")
	}
	return f.Memory.SetActive(ctx, account)
}

// newBound is a store of the service whose issuer is "ours".
func newBound() (*bound, *failing) {
	kept := &failing{Memory: store.NewMemory()}
	return &bound{Store: kept, scope: ownScope, former: []store.Scope{formerScope, plainScope}, ours: func(issuer string) bool {
		return issuer == "ours"
	}}, kept
}

func put(t *testing.T, kept store.Store, scope store.Scope, name, refresh string, generation uint64) store.Account {
	t.Helper()
	account := store.Account{Scope: scope, Username: name}
	r := store.Record{Generation: generation, Account: account, Tokens: &store.Tokens{Refresh: store.NewSecret(refresh)}}
	if r.Issuer = refresh; scope.Service != "" {
		r.Issuer = scope.Service + "/us-east-1_a"
	}
	if err := errors.Join(kept.Save(t.Context(), r, 0), kept.SetActive(t.Context(), account)); err != nil {
		t.Fatal(err)
	}
	return account
}

// TestBoundFinds checks where a record is looked for, and which is taken.
func TestBoundFinds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		put  map[store.Scope]string // refresh tokens
		want string                 // empty for none
	}{
		"nowhere":                         {nil, ""},
		"own":                             {map[store.Scope]string{ownScope: "x"}, "x"},
		"own before all others":           {map[store.Scope]string{ownScope: "x", formerScope: "y", plainScope: "ours"}, "x"},
		"former address":                  {map[store.Scope]string{formerScope: "y"}, "y"},
		"former before plain":             {map[store.Scope]string{formerScope: "y", plainScope: "ours"}, "y"},
		"plain, ours":                     {map[store.Scope]string{plainScope: "ours"}, "ours"},
		"plain, another service's":        {map[store.Scope]string{plainScope: "theirs"}, ""},
		"an address that is not a former": {map[store.Scope]string{{Service: "http://localhost:9", PoolID: "us-east-1_a", ClientID: "c"}: "z"}, ""},
	} {
		b, kept := newBound()
		for scope, refresh := range test.put {
			put(t, kept, scope, "alice", refresh, 7)
		}
		account := store.Account{Scope: ownScope, Username: "alice"}
		record, err := b.Load(t.Context(), account)
		active, activeErr := b.Active(t.Context(), ownScope)
		listed, listErr := b.List(t.Context(), ownScope)
		if test.want == "" {
			if !errors.Is(err, store.ErrNotFound) || !errors.Is(activeErr, store.ErrNotFound) || len(listed) != 0 || listErr != nil {
				t.Errorf("%s: %v, active %v, list %v %v", name, err, activeErr, listed, listErr)
			}
			continue
		}
		if err != nil || record.Account != account || record.Tokens.Refresh.Reveal() != test.want {
			t.Errorf("%s: %+v, %v", name, record, err)
		}
		if activeErr != nil || active != account || listErr != nil || !slices.Equal(listed, []store.Account{account}) {
			t.Errorf("%s: active %v %v, list %v %v", name, active, activeErr, listed, listErr)
		}
	}
}

// TestBoundMoves checks a save of a record that was found in a former scope: it goes to
// the service's own, with the pointer, and nothing is left behind.
func TestBoundMoves(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*failing){
		"all works": nil, "the old record stays": func(f *failing) { f.deletes = true }, "the pointer stays": func(f *failing) { f.pointers = true },
	} {
		b, kept := newBound()
		old := put(t, kept, plainScope, "alice", "ours", 7)
		account := in(ownScope, old)
		record, err := b.Load(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		if broken != nil {
			broken(kept)
		}
		record.Generation, record.Issuer = 8, "http://localhost:2/us-east-1_a"
		record.Tokens = &store.Tokens{Refresh: store.NewSecret("newer")}
		if err := b.Save(t.Context(), record, 7); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		now, err := b.Load(t.Context(), account)
		active, activeErr := b.Active(t.Context(), ownScope)
		if err != nil || now.Generation != 8 || now.Tokens.Refresh.Reveal() != "newer" || activeErr != nil || active != account {
			t.Errorf("%s: %+v %v, active %v %v", name, now, err, active, activeErr)
		}
		_, err = kept.Load(t.Context(), old)
		if gone := errors.Is(err, store.ErrNotFound); gone != (broken == nil) {
			t.Errorf("%s: the old record is gone: %t", name, gone)
		}
		if err := b.Save(t.Context(), record, 7); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: the same save once more: %v", name, err)
		}
	}
}

// TestBoundSavesByGeneration checks that a record in a former scope that was changed
// since it was read is not moved over.
func TestBoundSavesByGeneration(t *testing.T) {
	t.Parallel()
	b, kept := newBound()
	old := put(t, kept, plainScope, "alice", "ours", 7)
	record, err := b.Load(t.Context(), in(ownScope, old))
	if err != nil {
		t.Fatal(err)
	}
	changed := record
	changed.Account, changed.Generation = old, 8
	if err := kept.Save(t.Context(), changed, 7); err != nil {
		t.Fatal(err)
	}
	record.Generation = 9
	if err := b.Save(t.Context(), record, 7); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save: %v, want ErrConflict", err)
	}
}

// TestBoundDeletes checks that a sign-out which can only delete leaves nothing in a
// former scope that would come back, and nothing of another service is deleted.
func TestBoundDeletes(t *testing.T) {
	t.Parallel()
	b, kept := newBound()
	for _, scope := range []store.Scope{ownScope, formerScope, plainScope} {
		put(t, kept, scope, "alice", "ours", 7)
	}
	theirs := put(t, kept, plainScope, "bob", "theirs", 7)
	for _, name := range []string{"alice", "bob"} {
		if err := b.Delete(t.Context(), store.Account{Scope: ownScope, Username: name}); err != nil {
			t.Fatal(err)
		}
	}
	if record, err := b.Load(t.Context(), store.Account{Scope: ownScope, Username: "alice"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after Delete: %+v, %v", record, err)
	}
	if _, err := kept.Load(t.Context(), theirs); err != nil {
		t.Errorf("another service's record: %v", err)
	}
}

// TestBoundNamesTheOther checks what a client is told about another service.
func TestBoundNamesTheOther(t *testing.T) {
	t.Parallel()
	b, kept := newBound()
	if got := b.elsewhere(t.Context()); got != "" {
		t.Errorf("with an empty store: %q", got)
	}
	put(t, kept, formerScope, "alice", "x", 7)
	if got := b.elsewhere(t.Context()); got != "" {
		t.Errorf("with a former address of its own: %q", got)
	}
	put(t, kept, store.Scope{Service: "https://auth.example", PoolID: "us-east-1_a", ClientID: "c"}, "alice", "x", 7)
	if got := b.elsewhere(t.Context()); got != "https://auth.example" {
		t.Errorf("with another service: %q", got)
	}
}

// TestBoundRevokesNothingUnnamed checks a signed-out record that does not say whose it is:
// the tokens that it has to be revoked could be another service's, and are not sent.
func TestBoundRevokesNothingUnnamed(t *testing.T) {
	t.Parallel()
	b, kept := newBound()
	for _, scope := range []store.Scope{plainScope, formerScope} {
		r := store.Record{
			Generation: 3, Account: store.Account{Scope: scope, Username: "in " + scope.Service}, Ended: &store.Ended{Reason: SignedOutReason},
			Pending: []store.Revocation{{Token: store.NewSecret("a refresh token")}},
		}
		if err := kept.Save(t.Context(), r, 0); err != nil {
			t.Fatal(err)
		}
		got, err := b.Load(t.Context(), in(ownScope, r.Account))
		if err != nil || (len(got.Pending) == 0) != (scope == plainScope) {
			t.Errorf("from %q: %d to be revoked, %v", scope.Service, len(got.Pending), err)
		}
	}
}

// movingStore is a store in which another process moves the records of a former scope when
// this one reads there first.
type movingStore struct {
	*failing
	move func()
}

func (m *movingStore) moveAt(scope store.Scope) {
	if move := m.move; move != nil && scope == formerScope {
		m.move = nil
		move()
	}
}

func (m *movingStore) Load(ctx context.Context, account store.Account) (store.Record, error) {
	m.moveAt(account.Scope)
	return m.failing.Load(ctx, account)
}

func (m *movingStore) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	m.moveAt(scope)
	return m.failing.Active(ctx, scope)
}

func (m *movingStore) List(ctx context.Context, scope store.Scope) ([]store.Account, error) {
	m.moveAt(scope)
	return m.failing.List(ctx, scope)
}

// TestBoundFindsWhatMoves checks reads during which another process moves the record into
// the scope of the service: it is found, and the session not taken for signed out.
func TestBoundFindsWhatMoves(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*bound) error{
		"Load": func(b *bound) error {
			_, err := b.Load(t.Context(), store.Account{Scope: ownScope, Username: "alice"})
			return err
		},
		"Active": func(b *bound) error {
			_, err := b.Active(t.Context(), ownScope)
			return err
		},
		"List": func(b *bound) error {
			accounts, err := b.List(t.Context(), ownScope)
			if err == nil && len(accounts) != 1 {
				err = store.ErrNotFound
			}
			return err
		},
	} {
		b, kept := newBound()
		put(t, kept, formerScope, "alice", "x", 3)
		other, _ := newBound()
		other.Store = kept
		b.Store = &movingStore{failing: kept, move: func() {
			r, err := other.Load(t.Context(), store.Account{Scope: ownScope, Username: "alice"})
			if err != nil {
				t.Fatal(err)
			}
			r.Generation = 4
			if err := other.Save(t.Context(), r, 3); err != nil {
				t.Fatal(err)
			}
		}}
		if err := read(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
