package main

import (
	"context"
	"runtime"

	"github.com/latchkey-auth/latchkey/store"
)

// pinned does everything on one thread of the system. strace counts system calls
// thread by thread, and Go moves goroutines between threads at will: without
// this "the second fsync" would be another one in every run.
type pinned struct {
	inner lockingStore
	work  chan func()
}

// init keeps the thread of the program's start for the main function, so that
// its calls are not counted as the store's.
func init() { runtime.LockOSThread() }

// pin starts the thread, which lives as long as the program.
func pin(inner lockingStore) *pinned {
	p := &pinned{inner: inner, work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for f := range p.work {
			f()
		}
	}()
	return p
}

func (p *pinned) do(f func()) {
	done := make(chan struct{})
	p.work <- func() { defer close(done); f() }
	<-done
}

func (p *pinned) Load(ctx context.Context, a store.Account) (r store.Record, err error) {
	p.do(func() { r, err = p.inner.Load(ctx, a) })
	return r, err
}

func (p *pinned) Save(ctx context.Context, r store.Record, previous uint64) (err error) {
	p.do(func() { err = p.inner.Save(ctx, r, previous) })
	return err
}

func (p *pinned) Delete(ctx context.Context, a store.Account) (err error) {
	p.do(func() { err = p.inner.Delete(ctx, a) })
	return err
}

func (p *pinned) List(ctx context.Context, s store.Scope) (all []store.Account, err error) {
	p.do(func() { all, err = p.inner.List(ctx, s) })
	return all, err
}

func (p *pinned) Active(ctx context.Context, s store.Scope) (a store.Account, err error) {
	p.do(func() { a, err = p.inner.Active(ctx, s) })
	return a, err
}

func (p *pinned) SetActive(ctx context.Context, a store.Account) (err error) {
	p.do(func() { err = p.inner.SetActive(ctx, a) })
	return err
}

func (p *pinned) Lock(ctx context.Context, a store.Account) (unlock func(), err error) {
	var inner func()
	p.do(func() { inner, err = p.inner.Lock(ctx, a) })
	if err != nil {
		return nil, err
	}
	return func() { p.do(inner) }, nil
}
