package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// blindStore is a store whose keys do not name the service, with records or pointers of
// scopes that cannot be read.
type blindStore struct {
	*store.Memory
	blind             bool
	records, pointers map[store.Scope]error
}

func (s *blindStore) ServiceBlind() bool { return s.blind }

func (s *blindStore) Load(ctx context.Context, account store.Account) (store.Record, error) {
	if err := s.records[account.Scope]; err != nil {
		return store.Record{}, err
	}
	return s.Memory.Load(ctx, account)
}

func (s *blindStore) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	if err := s.pointers[scope]; err != nil {
		return store.Account{}, err
	}
	return s.Memory.Active(ctx, scope)
}

// TestUnreadableIsNotSignedOut checks that what cannot be read, wherever a session may be,
// is an error to the program and never a signed-out scope.
func TestUnreadableIsNotSignedOut(t *testing.T) {
	t.Parallel()
	at := func(scope store.Scope, err error) map[store.Scope]error { return map[store.Scope]error{scope: err} }
	for name, test := range map[string]struct {
		blind             bool
		scope             store.Scope // where the user is signed in
		records, pointers map[store.Scope]error
		want              error
	}{
		"own, all right":               {false, ownScope, nil, nil, nil},
		"own record":                   {false, ownScope, at(ownScope, errDisk), nil, errDisk},
		"own pointer":                  {false, ownScope, nil, at(ownScope, errDisk), errDisk},
		"own record, blind store":      {true, ownScope, at(ownScope, errDisk), nil, errDisk},
		"own pointer, blind store":     {true, ownScope, nil, at(ownScope, errDisk), errDisk},
		"own, all right, blind store":  {true, ownScope, nil, nil, nil},
		"record at a former address":   {false, formerScope, at(formerScope, errDisk), nil, errDisk},
		"pointer at a former address":  {false, formerScope, nil, at(formerScope, errDisk), errDisk},
		"former address, all right":    {false, formerScope, nil, nil, nil},
		"an earlier version's record":  {false, plainScope, at(plainScope, errDisk), nil, errDisk},
		"an earlier version's pointer": {false, plainScope, nil, at(plainScope, errDisk), errDisk},
		"the session is in another":    {false, formerScope, nil, at(plainScope, errDisk), nil},
	} {
		kept := &blindStore{Memory: store.NewMemory(), blind: test.blind}
		r := sessionRecord(time.Now(), false)
		r.Account = store.Account{Scope: test.scope, Username: "alice"}
		if err := errors.Join(kept.Save(t.Context(), r, 0), kept.SetActive(t.Context(), r.Account)); err != nil {
			t.Fatal(err)
		}
		kept.records, kept.pointers = test.records, test.pointers
		c := Config{Store: kept, UserPool: &testPool{}, FormerScopes: []store.Scope{formerScope, plainScope}, Ours: func(string) bool { return true }}
		e := newEngineAt(t, ownScope, c)
		s, err := e.Ready(t.Context())
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || err != nil && !errors.Is(err, fault.Store) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err == nil && !s.Live() {
			t.Errorf("%s: signed out", name)
		}
	}
}
