package latchkey

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
)

// panicStore is a store in memory with methods that panic.
type panicStore struct {
	*store.Memory
	mu     sync.Mutex
	broken map[string]bool // by method
}

func newPanicStore() *panicStore {
	return &panicStore{Memory: store.NewMemory(), broken: map[string]bool{}}
}

// breaks makes methods panic until the next call of it.
func (s *panicStore) breaks(methods ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.broken)
	for _, m := range methods {
		s.broken[m] = true
	}
}

func (s *panicStore) enter(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken[method] {
		panic("the store's " + method)
	}
}

func (s *panicStore) Active(ctx context.Context, scope store.Scope) (store.Account, error) {
	s.enter("Active")
	return s.Memory.Active(ctx, scope)
}

func (s *panicStore) Load(ctx context.Context, a store.Account) (store.Record, error) {
	s.enter("Load")
	return s.Memory.Load(ctx, a)
}

func (s *panicStore) List(ctx context.Context, scope store.Scope) ([]store.Account, error) {
	s.enter("List")
	return s.Memory.List(ctx, scope)
}

func (s *panicStore) Save(ctx context.Context, r store.Record, previous uint64) error {
	s.enter("Save")
	return s.Memory.Save(ctx, r, previous)
}

func (s *panicStore) Lock(context.Context, store.Account) (func(), error) {
	s.enter("Lock")
	return func() { s.enter("Unlock") }, nil
}

func (s *panicStore) Watch(ctx context.Context, scope store.Scope, changed func()) error {
	s.enter("Watch")
	return s.Memory.Watch(ctx, scope, changed)
}

// stackLog keeps what is logged.
type stackLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *stackLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *stackLog) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// wantStack fails unless a panic of a test was logged with its stack.
func (l *stackLog) wantStack(t *testing.T, panic string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if text := l.text.String(); !strings.Contains(text, panic) || !strings.Contains(text, "stack=") || !strings.Contains(text, "_test.go:") {
		t.Errorf("the log of %d bytes lacks %q with a stack", len(text), panic)
	}
}

func withLog(l *stackLog) func(*Config) { return func(c *Config) { c.Logger = l.logger() } }

// nilMap is a store that is a map.
type nilMap map[store.Account]store.Record

func (nilMap) Load(context.Context, store.Account) (store.Record, error) {
	return store.Record{}, store.ErrNotFound
}
func (m nilMap) Save(_ context.Context, r store.Record, _ uint64) error {
	m[r.Account] = r
	return nil
}
func (nilMap) Delete(context.Context, store.Account) error { return nil }
func (nilMap) List(context.Context, store.Scope) ([]store.Account, error) {
	return nil, nil
}
func (nilMap) Active(context.Context, store.Scope) (store.Account, error) {
	return store.Account{}, store.ErrNotFound
}
func (nilMap) SetActive(context.Context, store.Account) error { return nil }
