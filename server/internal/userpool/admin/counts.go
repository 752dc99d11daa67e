package admin

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// Counting a pool's users takes time in proportion, about 0.1 s for a million.
const (
	countAtOnce = 1000 // counted when asked for, in less time than a request takes
	// A larger pool is counted in the background, this often and in at most 1 % of
	// the time.
	countInterval = 5 * time.Minute
	countShare    = 100
	countPools    = 60 // pools in a page of their list
)

// userCounts are the numbers of users of large pools when they were last counted.
// No sign-up writes them.
type userCounts struct {
	mu    sync.Mutex
	pools map[string]userCount
}

type userCount struct {
	users int
	next  time.Time // when it is worth counting again
}

func (c *userCounts) of(poolID string) userCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pools[poolID]
}

func (c *userCounts) set(poolID string, count userCount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pools == nil {
		c.pools = map[string]userCount{}
	}
	c.pools[poolID] = count
}

// keep forgets the pools that are not in the set: they were deleted.
func (c *userCounts) keep(pools map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.pools {
		if !pools[id] {
			delete(c.pools, id)
		}
	}
}

// estimateUsers gives EstimatedNumberOfUsers: exact up to countAtOnce, and beyond
// that what RecountUsers found last.
func (s *Service) estimateUsers(tx storage.Tx, poolID string) (int, error) {
	n, err := tx.Pools.CountUsers(poolID, countAtOnce+1)
	if n > countAtOnce {
		n = max(n, s.counts.of(poolID).users)
	}
	return n, err
}

// RecountUsers counts the users of large pools that were not counted lately. The
// service calls it in the background.
func (s *Service) RecountUsers(ctx context.Context) error {
	known, after := map[string]bool{}, ""
	for {
		var pools []storage.Pool
		err := s.store.View(ctx, func(tx storage.Tx) (err error) {
			pools, err = tx.Pools.List(after, countPools)
			return err
		})
		if err != nil {
			return err
		}
		for _, row := range pools {
			known[row.ID] = true
			if err := s.recount(ctx, row.ID); err != nil {
				return err
			}
			after = row.ID
		}
		if len(pools) < countPools {
			s.counts.keep(known)
			return nil
		}
	}
}

func (s *Service) recount(ctx context.Context, poolID string) error {
	start := time.Now()
	if start.Before(s.counts.of(poolID).next) {
		return nil
	}
	count := userCount{}
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		count.users, err = tx.Pools.CountUsers(poolID, countAtOnce+1)
		if err == nil && count.users > countAtOnce {
			count.users, err = tx.Pools.CountUsers(poolID, math.MaxInt32)
		}
		return err
	})
	if err != nil {
		return err
	}
	if count.users > countAtOnce {
		now := time.Now()
		count.next = now.Add(max(countInterval, countShare*now.Sub(start)))
	}
	s.counts.set(poolID, count)
	return nil
}
