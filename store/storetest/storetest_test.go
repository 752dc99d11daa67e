package storetest_test

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// mutants are stores that are wrong in one way each, and the test of the suite
// that must notice.
var mutants = map[string]struct {
	open    func() store.Store
	noticed string
}{
	"save compares nothing":         {func() store.Store { return noCompare{store.NewMemory()} }, "Generations"},
	"save compares, then swaps":     {func() store.Store { return &slowSwap{Memory: store.NewMemory()} }, "ParallelWriters"},
	"save takes any generation":     {func() store.Store { return &anyGeneration{Memory: store.NewMemory()} }, "Generations"},
	"load shares its record":        {func() store.Store { return &shared{Memory: store.NewMemory()} }, "Copies"},
	"delete keeps the pointer":      {func() store.Store { return keepsPointer{store.NewMemory()} }, "Active"},
	"delete takes every pointer":    {func() store.Store { return takesPointer{store.NewMemory()} }, "Model"},
	"list is in no order":           {func() store.Store { return reversed{store.NewMemory()} }, "List"},
	"scopes are glued together":     {func() store.Store { return glued{store.NewMemory()} }, "Scopes"},
	"services are one":              {func() store.Store { return oneService{store.NewMemory()} }, "Services"},
	"services of one lock":          {func() store.Store { return oneLock{store.NewMemory()} }, "Services"},
	"services of every client":      {func() store.Store { return everyClient{store.NewMemory()} }, "ServiceLister"},
	"services that are signed out":  {func() store.Store { return pointers{store.NewMemory()} }, "ServiceLister"},
	"lock does not say it is held":  {func() store.Store { return taciturn{store.NewMemory()} }, "LockExcludes"},
	"usernames fold their case":     {func() store.Store { return folded{store.NewMemory()} }, "OddUsernames"},
	"context is not heeded":         {func() store.Store { return heedless{store.NewMemory()} }, "ContextEnded"},
	"lock excludes nobody":          {func() store.Store { return open{store.NewMemory()} }, "LockExcludes"},
	"lock waits without a context":  {func() store.Store { return stubborn{store.NewMemory()} }, "LockContext"},
	"times lose their nanoseconds":  {func() store.Store { return seconds{store.NewMemory()} }, "RoundTrip"},
	"watch is deaf":                 {func() store.Store { return deaf{store.NewMemory()} }, "WatchTells"},
	"watch knows no services":       {func() store.Store { return serviceless{store.NewMemory()} }, "WatchService"},
	"watch forgets what came late":  {func() store.Store { return forgetful{store.NewMemory(), new(atomic.Uint64)} }, "WatchCatchesUp"},
	"watch does not end":            {func() store.Store { return unending{store.NewMemory()} }, "WatchEnds"},
	"refused saves leave something": {func() store.Store { return careless{store.NewMemory()} }, "Refusals"},
}

const mutantVariable = "LATCHKEY_STORETEST_MUTANT"

// TestRun runs the suite over a good store, or over the mutant that the
// environment names.
func TestRun(t *testing.T) {
	open := func() store.Store { return store.NewMemory() }
	if name := os.Getenv(mutantVariable); name != "" {
		open = mutants[name].open
	}
	storetest.Run(t, func(*testing.T) store.Store { return open() })
}

// TestMutants makes sure that every test of the suite can fail.
func TestMutants(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, mutant := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.Command(self, "-test.run=^TestRun$/^"+mutant.noticed+"$", "-rapid.nofailfile")
			command.Env = append(os.Environ(), mutantVariable+"="+name)
			output, err := command.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite passes a store that is wrong:\n%s", output)
			}
			if !strings.Contains(string(output), "--- FAIL: TestRun/"+mutant.noticed+" ") {
				t.Errorf("%s noticed nothing:\n%s", mutant.noticed, output)
			}
		})
	}
}

type deaf struct{ *store.Memory }

func (s deaf) Watch(ctx context.Context, _ store.Scope, changed func()) error {
	changed()
	<-ctx.Done()
	return ctx.Err()
}

type serviceless struct{ *store.Memory }

func (s serviceless) Watch(ctx context.Context, scope store.Scope, changed func()) error {
	scope.Service = ""
	return s.Memory.Watch(ctx, scope, changed)
}

// forgetful does not tell of what is saved while it is telling.
type forgetful struct {
	*store.Memory
	saves *atomic.Uint64
}

func (s forgetful) Save(ctx context.Context, record store.Record, generation uint64) error {
	s.saves.Add(1)
	return s.Memory.Save(ctx, record, generation)
}

func (s forgetful) Watch(ctx context.Context, scope store.Scope, changed func()) error {
	var told uint64
	return s.Memory.Watch(ctx, scope, func() {
		if told == 0 || s.saves.Load() != told {
			changed()
			told = s.saves.Load()
		}
	})
}

type unending struct{ *store.Memory }

func (s unending) Watch(ctx context.Context, scope store.Scope, changed func()) error {
	return s.Memory.Watch(context.WithoutCancel(ctx), scope, changed)
}

type noCompare struct{ *store.Memory }

func (s noCompare) Save(ctx context.Context, record store.Record, _ uint64) error {
	_ = s.Memory.Delete(ctx, record.Account)
	return s.Memory.Save(ctx, record, 0)
}

type slowSwap struct {
	*store.Memory
	mu sync.Mutex
}

func (s *slowSwap) Save(ctx context.Context, record store.Record, previous uint64) error {
	kept, _ := s.Load(ctx, record.Account)
	if err := store.Admit(record.Generation, previous, kept.Generation); err != nil {
		return err
	}
	runtime.Gosched()
	time.Sleep(time.Millisecond) // what a slow medium does
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, _ = s.Load(ctx, record.Account)
	if kept.Generation >= record.Generation {
		return nil // an update is lost
	}
	return s.Memory.Save(ctx, record, kept.Generation)
}

type anyGeneration struct {
	*store.Memory
	mu sync.Mutex
}

func (s *anyGeneration) Save(ctx context.Context, record store.Record, previous uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, _ := s.Load(ctx, record.Account)
	if kept.Generation != previous {
		return store.ErrConflict
	}
	_ = s.Memory.Delete(ctx, record.Account)
	return s.Memory.Save(ctx, record, 0)
}

type shared struct {
	*store.Memory
	kept sync.Map
}

func (s *shared) Save(ctx context.Context, record store.Record, previous uint64) error {
	err := s.Memory.Save(ctx, record, previous)
	if err == nil {
		s.kept.Store(record.Account, record)
	}
	return err
}

func (s *shared) Load(_ context.Context, account store.Account) (store.Record, error) {
	record, ok := s.kept.Load(account)
	if !ok {
		return store.Record{}, store.ErrNotFound
	}
	return record.(store.Record), nil
}

type keepsPointer struct{ *store.Memory }

func (s keepsPointer) Delete(ctx context.Context, account store.Account) error {
	active, err := s.Active(ctx, account.Scope)
	if err == nil {
		defer s.SetActive(ctx, active)
	}
	return s.Memory.Delete(ctx, account)
}

type takesPointer struct{ *store.Memory }

func (s takesPointer) Delete(ctx context.Context, account store.Account) error {
	if err := s.SetActive(ctx, account); err != nil {
		return err
	}
	return s.Memory.Delete(ctx, account)
}

type reversed struct{ *store.Memory }

func (s reversed) List(ctx context.Context, scope store.Scope) ([]store.Account, error) {
	accounts, err := s.Memory.List(ctx, scope)
	slices.Reverse(accounts)
	return accounts, err
}

type glued struct{ *store.Memory }

func (s glued) SetActive(ctx context.Context, account store.Account) error {
	account.Scope = glue(account.Scope)
	return s.Memory.SetActive(ctx, account)
}

func (s glued) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	account, err := s.Memory.Active(ctx, glue(scope))
	account.Scope = scope
	return account, err
}

func (s glued) Delete(ctx context.Context, account store.Account) error {
	active, err := s.Active(ctx, account.Scope)
	if deleteErr := s.Memory.Delete(ctx, account); err != nil || active != account {
		return deleteErr
	}
	account.Scope = glue(account.Scope)
	return s.Memory.Delete(ctx, account)
}

func glue(scope store.Scope) store.Scope { return store.Scope{PoolID: scope.PoolID + scope.ClientID} }

type oneService struct{ *store.Memory }

func (s oneService) SetActive(ctx context.Context, account store.Account) error {
	account.Service = ""
	return s.Memory.SetActive(ctx, account)
}

func (s oneService) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	account, err := s.Memory.Active(ctx, store.Scope{PoolID: scope.PoolID, ClientID: scope.ClientID})
	account.Scope = scope
	return account, err
}

type oneLock struct{ *store.Memory }

func (s oneLock) Lock(ctx context.Context, account store.Account) (func(), error) {
	account.Service = ""
	return s.Memory.Lock(ctx, account)
}

type everyClient struct{ *store.Memory }

func (s everyClient) Services(ctx context.Context, poolID, clientID string) ([]string, error) {
	services, err := s.Memory.Services(ctx, poolID, clientID)
	if err != nil {
		return nil, err
	}
	others, err := s.Memory.Services(ctx, poolID, "other")
	return slices.Sorted(slices.Values(append(services, others...))), err
}

// pointers lists a service as soon as its pointer names anybody.
type pointers struct{ *store.Memory }

func (s pointers) Services(ctx context.Context, poolID, clientID string) ([]string, error) {
	scope := store.Scope{PoolID: poolID, ClientID: clientID, Service: "http://localhost:9230"}
	if _, err := s.Active(ctx, scope); err != nil {
		return nil, ctx.Err()
	}
	return []string{scope.Service}, ctx.Err()
}

// taciturn says that the context ended and not why.
type taciturn struct{ *store.Memory }

func (s taciturn) Lock(ctx context.Context, account store.Account) (func(), error) {
	unlock, err := s.Memory.Lock(ctx, account)
	if err != nil {
		err = ctx.Err()
	}
	return unlock, err
}

type folded struct{ *store.Memory }

func (s folded) Save(ctx context.Context, record store.Record, previous uint64) error {
	record.Account.Username = strings.ToLower(record.Account.Username)
	return s.Memory.Save(ctx, record, previous)
}

func (s folded) Load(ctx context.Context, account store.Account) (store.Record, error) {
	account.Username = strings.ToLower(account.Username)
	return s.Memory.Load(ctx, account)
}

type heedless struct{ *store.Memory }

func (s heedless) Save(ctx context.Context, record store.Record, previous uint64) error {
	return s.Memory.Save(context.WithoutCancel(ctx), record, previous)
}

type open struct{ *store.Memory }

func (open) Lock(ctx context.Context, _ store.Account) (func(), error) {
	return func() {}, ctx.Err()
}

type stubborn struct{ *store.Memory }

func (s stubborn) Lock(ctx context.Context, account store.Account) (func(), error) {
	return s.Memory.Lock(context.WithoutCancel(ctx), account)
}

type seconds struct{ *store.Memory }

func (s seconds) Load(ctx context.Context, account store.Account) (store.Record, error) {
	record, err := s.Memory.Load(ctx, account)
	record.SavedAt = record.SavedAt.Truncate(time.Second)
	return record, err
}

type careless struct{ *store.Memory }

func (s careless) Save(ctx context.Context, record store.Record, previous uint64) error {
	err := s.Memory.Save(ctx, record, previous)
	if _, encodeErr := store.Encode(record); encodeErr != nil {
		_ = s.Memory.Delete(ctx, record.Account)
	}
	return err
}
