package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/sqlite"
)

const writers = 32

// benchWrites measures the write of a refresh: one conditional update, durable
// when it is answered, by one caller and by 32 at once.
func benchWrites(b *bench) error {
	dir, err := os.MkdirTemp("", "latchkey-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "latchkey.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	if err := insertSessions(ctx, store); err != nil {
		return err
	}
	var failed error
	var mu sync.Mutex
	write := func(session string) {
		err := store.Update(ctx, func(tx storage.Tx) error {
			ok, err := tx.Sessions.Advance(session, 1, false, time.Now(), time.Now().Add(time.Hour))
			if err == nil && !ok {
				err = errors.New("the session did not advance")
			}
			return err
		})
		if err != nil {
			mu.Lock()
			failed = err
			mu.Unlock()
		}
	}
	results := measure.Rounds(b.rounds,
		measure.Contestant{Name: "one caller", Wall: true, Op: func(n int) {
			for range n {
				write(sessionID(0))
			}
		}},
		measure.Contestant{Name: "32 callers", Wall: true, Op: func(n int) {
			var group sync.WaitGroup
			for i := range writers {
				group.Go(func() {
					for range max(1, n/writers) {
						write(sessionID(i))
					}
				})
			}
			group.Wait()
		}})
	ratio := results[0].Over(results[1].Times(1))
	b.table([]string{"SQLite, WAL, synchronous=FULL", "wall time a write", "rate"}, [][]string{
		{results[0].Name, results[0].Range(), "1"},
		{results[1].Name, results[1].Range(), ratio.String()},
	})
	b.atLeast(4, ratio.Median, "durable writes at 32 callers: of the rate of single commits")
	return failed
}

func sessionID(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

func insertSessions(ctx context.Context, store storage.Store) error {
	return store.Update(ctx, func(tx storage.Tx) error {
		now := time.Now()
		err := errors.Join(
			tx.Pools.Insert(storage.Pool{ID: "us-east-1_bench0000", CreatedAt: now, ModifiedAt: now}),
			tx.Clients.Insert(storage.Client{ID: "bench", PoolID: "us-east-1_bench0000", CreatedAt: now, ModifiedAt: now}),
			tx.Users.Insert(storage.User{PoolID: "us-east-1_bench0000", Sub: "sub", Username: "u", Logins: []string{"username:u"}, CreatedAt: now, ModifiedAt: now}))
		for i := range writers {
			err = errors.Join(err, tx.Sessions.Insert(storage.Session{
				ID: sessionID(i), PoolID: "us-east-1_bench0000", ClientID: "bench", UserSub: "sub",
				Generation: 1, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
			}))
		}
		return err
	})
}
