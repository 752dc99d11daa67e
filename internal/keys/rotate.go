package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// poolPage is how many pools RotateDue reads at a time.
const poolPage = 100

// Rotate replaces the keys of a pool: it publishes two new ones, which sign
// after Options.PublishAhead (and up to a minute, see the package comment), and
// keeps the old ones published for Options.Keep after that. No token is refused
// meanwhile. While the keys of an earlier rotation are waiting to sign, Rotate
// changes nothing.
//
// Without the Signer that holds the private key which signs now, the new key signs at once.
// Keys of an absent Signer that are waiting to sign are replaced.
func (r *Ring) Rotate(ctx context.Context, poolID string) error {
	return r.rotate(ctx, poolID, func(newest storage.Key, now time.Time) bool {
		return !newest.ActiveAt.After(now) || r.withoutSigner(newest)
	})
}

// RotateDue replaces the keys of all pools of both kinds that have reached Options.MaxAge, and
// deletes keys that are no longer published. Every process calls it every few minutes; processes
// that find the same key due agree on one successor. If a pool fails, RotateDue goes on with the
// others and returns all errors.
func (r *Ring) RotateDue(ctx context.Context) error {
	return errors.Join(r.rotateListed(ctx, userPools), r.rotateListed(ctx, identityPools), ctx.Err())
}

// rotateListed goes through one kind of pools, in pages of ids.
func (r *Ring) rotateListed(ctx context.Context, list func(tx storage.Tx, after string) ([]string, error)) error {
	var failures []error
	for after := ""; ctx.Err() == nil; {
		var ids []string
		err := r.store.View(ctx, func(tx storage.Tx) (err error) {
			ids, err = list(tx, after)
			return err
		})
		if err != nil {
			return errors.Join(append(failures, fmt.Errorf("keys: listing pools: %w", err))...)
		}
		for _, id := range ids {
			// A pool that was deleted since it was listed has no keys to
			// rotate.
			if err := r.rotate(ctx, id, r.isDue); err != nil && !errors.Is(err, storage.ErrNotFound) {
				failures = append(failures, err)
			}
			after = id
		}
		if len(ids) < poolPage {
			break
		}
	}
	return errors.Join(failures...)
}

func userPools(tx storage.Tx, after string) (ids []string, err error) {
	pools, err := tx.Pools.List(after, poolPage)
	for _, pool := range pools {
		ids = append(ids, pool.ID)
	}
	return ids, err
}

func identityPools(tx storage.Tx, after string) (ids []string, err error) {
	pools, err := tx.IdentityPools.List(after, poolPage)
	for _, pool := range pools {
		ids = append(ids, pool.ID)
	}
	return ids, err
}

// isDue reports whether a key has reached MaxAge. One that does not sign yet is
// not due, however short MaxAge is: a pool has at most one successor waiting.
func (r *Ring) isDue(newest storage.Key, now time.Time) bool {
	maxAge := r.options.MaxAge
	return maxAge > 0 && !newest.ActiveAt.After(now) && now.Sub(newest.CreatedAt) >= maxAge
}

// rotate replaces the keys of a pool for which due says so of the newest. The
// new keys are made before the transaction, since that is slow, and due is
// asked again inside it, since another process may have been faster.
func (r *Ring) rotate(ctx context.Context, poolID string, due func(newest storage.Key, now time.Time) bool) error {
	var rows []storage.Key
	err := r.store.View(ctx, func(tx storage.Tx) (err error) {
		rows, err = tx.Keys.List(poolID)
		return err
	})
	if err != nil {
		return fmt.Errorf("keys: reading the keys of pool %s: %w", poolID, err)
	}
	if len(rows) == 0 {
		return fmt.Errorf("keys: pool %s: signing keys: %w", poolID, storage.ErrNotFound)
	}
	made, err := r.successors(ctx, poolID, rows, due)
	if err != nil || len(made) == 0 && !anyRetired(rows, r.now()) {
		return err
	}
	stay, removing := r.removeRetired(ctx, rows)
	err = r.store.Update(ctx, func(tx storage.Tx) error { return r.replace(tx, poolID, made, due, stay) })
	if err != nil {
		return fmt.Errorf("keys: rotating the keys of pool %s: %w", poolID, err)
	}
	// A reading that began before the commit must not be taken for one after
	// it.
	r.flight.Forget(poolID)
	_, err = r.load(ctx, poolID)
	return errors.Join(err, removing)
}

// successors makes a new key for each use of the pool whose newest key is due.
func (r *Ring) successors(ctx context.Context, poolID string, rows []storage.Key, due func(storage.Key, time.Time) bool) ([]storage.Key, error) {
	var made []storage.Key
	for _, use := range uses {
		if newest, ok := newestKey(rows, use); !ok || !due(newest, r.now()) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		key, err := r.newKey(ctx, poolID, use)
		if err != nil {
			return nil, err
		}
		made = append(made, key)
	}
	return made, nil
}

// replace is the transaction of a rotation: it inserts the new keys, says of
// the old ones when they retire, and deletes those that have, except those that stay.
func (r *Ring) replace(tx storage.Tx, poolID string, made []storage.Key, due func(storage.Key, time.Time) bool, stay map[string]bool) error {
	rows, err := tx.Keys.List(poolID)
	if err != nil {
		return err
	}
	now := r.now()
	for _, row := range rows {
		if retired(row, now) && !stay[row.ID] {
			if err := tx.Keys.Delete(poolID, row.ID); err != nil {
				return err
			}
		}
	}
	for _, key := range made {
		newest, ok := newestKey(rows, Use(key.Use))
		if ok && !due(newest, now) {
			continue
		}
		if err := r.succeed(tx, rows, key, now); err != nil {
			return err
		}
	}
	return nil
}

// succeed inserts a key as the successor of those among rows that have none, and of the one
// that signs now. It deletes keys of an absent Signer that would sign later.
func (r *Ring) succeed(tx storage.Tx, rows []storage.Key, key storage.Key, now time.Time) error {
	signing, signs := signingKeyAt(rows, key.Use, now)
	key.CreatedAt, key.ActiveAt = now, now
	if !signs || !r.withoutSigner(signing) {
		key.ActiveAt = now.Add(r.options.PublishAhead + r.settle())
	}
	for _, row := range rows {
		var err error
		switch {
		case row.Use != key.Use:
		case signs && row.ActiveAt.After(now) && r.withoutSigner(row):
			err = tx.Keys.Delete(row.PoolID, row.ID)
		case row.RetireAt.IsZero(), row.ID == signing.ID:
			row.RetireAt = key.ActiveAt.Add(r.options.Keep + r.settle())
			err = tx.Keys.Update(row)
		}
		if err != nil {
			return err
		}
	}
	return tx.Keys.Insert(key)
}

// withoutSigner reports whether a key is one of a Signer, and there is none.
func (r *Ring) withoutSigner(row storage.Key) bool {
	if r.options.Signer != nil {
		return false
	}
	_, external := openHandle(r.box, row)
	return external
}

// signingKeyAt returns the key of a use that was the last to become active.
func signingKeyAt(rows []storage.Key, use string, now time.Time) (signing storage.Key, ok bool) {
	for _, row := range rows {
		if row.Use == use && !row.ActiveAt.After(now) && !retired(row, now) && (!ok || signsAfter(row, signing)) {
			signing, ok = row, true
		}
	}
	return signing, ok
}

// newestKey returns the key of a use that signs last.
func newestKey(rows []storage.Key, use Use) (newest storage.Key, ok bool) {
	for _, row := range rows {
		if row.Use == string(use) && (!ok || signsAfter(row, newest)) {
			newest, ok = row, true
		}
	}
	return newest, ok
}

// signsAfter reports whether a takes over from b. Of two with the same time, that is the one
// without a successor.
func signsAfter(a, b storage.Key) bool {
	if a.ActiveAt.Equal(b.ActiveAt) {
		return a.RetireAt.IsZero() || !b.RetireAt.IsZero()
	}
	return a.ActiveAt.After(b.ActiveAt)
}

func retired(row storage.Key, now time.Time) bool {
	return !row.RetireAt.IsZero() && !now.Before(row.RetireAt)
}

func anyRetired(rows []storage.Key, now time.Time) bool {
	for _, row := range rows {
		if retired(row, now) {
			return true
		}
	}
	return false
}
