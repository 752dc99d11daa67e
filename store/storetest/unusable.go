package storetest

import (
	"testing"

	"github.com/latchkey-auth/latchkey/store"
)

// CheckUnusable wants an error, and no panic, of every method of a store that was
// not made as it must be, such as a nil pointer.
func CheckUnusable(t *testing.T, s store.Store) {
	t.Helper()
	ctx, account := t.Context(), Account("alice")
	_, loadErr := s.Load(ctx, account)
	_, listErr := s.List(ctx, account.Scope)
	_, activeErr := s.Active(ctx, account.Scope)
	errs := map[string]error{
		"Load": loadErr, "List": listErr, "Active": activeErr,
		"Save":      s.Save(ctx, Sample(account, 1), 0),
		"Delete":    s.Delete(ctx, account),
		"SetActive": s.SetActive(ctx, account),
	}
	if l, ok := s.(store.Locker); ok {
		errs["Lock"] = lockOnce(ctx, l, account)
	}
	if w, ok := s.(store.Watcher); ok {
		errs["Watch"] = w.Watch(ctx, account.Scope, func() { t.Error("Watch called changed") })
	}
	if l, ok := s.(store.ServiceLister); ok {
		_, errs["Services"] = l.Services(ctx, account.PoolID, account.ClientID)
	}
	for method, err := range errs {
		if err == nil {
			t.Errorf("%s: no error", method)
		}
	}
}
