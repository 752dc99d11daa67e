package storagetest

import (
	"errors"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

func branding(poolID, clientID string) storage.Branding {
	return storage.Branding{
		PoolID: poolID, ClientID: clientID, Settings: []byte{0, 1, 0xff}, Logo: []byte("\x89PNG\r\n\x1a\n\x00" + clientID),
		CreatedAt: noon, ModifiedAt: later,
	}
}

// hasBranding checks that a branding is there as it was put, or not there.
func hasBranding(t *testing.T, db storage.Store, want storage.Branding, there bool) {
	t.Helper()
	view(t, db, func(tx storage.Tx) error {
		got, err := tx.Brandings.Branding(want.PoolID, want.ClientID)
		if !there {
			if !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("branding of %q in %s: error %v, want ErrNotFound", want.ClientID, want.PoolID, err)
			}
			return nil
		}
		return errors.Join(err, same("branding", got, want))
	})
}

func testBrandings(t *testing.T, db storage.Store) {
	seed(t, db)
	all, own := branding(poolA, ""), branding(poolA, clientA)
	hasBranding(t, db, own, false)
	update(t, db, func(tx storage.Tx) error { return tx.Brandings.Put(all) })
	hasBranding(t, db, all, true)
	hasBranding(t, db, own, false) // the pool's is not the client's
	update(t, db, func(tx storage.Tx) error { return tx.Brandings.Put(own) })
	all.Settings, all.Logo, all.CreatedAt, all.ModifiedAt = nil, nil, later, never
	update(t, db, func(tx storage.Tx) error { return tx.Brandings.Put(all) })
	hasBranding(t, db, all, true)
	hasBranding(t, db, own, true)
	hasBranding(t, db, branding(poolB, ""), false)
	hasBranding(t, db, branding(poolB, clientA), false)
	own.Logo = make([]byte, 100<<10)
	update(t, db, func(tx storage.Tx) error { return tx.Brandings.Put(own) })
	own.Logo[0]++ // what was put is a copy, and so is what comes back
	for range 2 {
		view(t, db, func(tx storage.Tx) error {
			got, err := tx.Brandings.Branding(poolA, clientA)
			if err == nil {
				err = same("logo", got.Logo, make([]byte, 100<<10))
				got.Logo[1]++
			}
			return err
		})
	}
	own.Logo[0]--
	for _, orphan := range []storage.Branding{
		branding(poolA, clientB), branding(poolB, clientA), branding(poolA, "nobody"), branding("us-east-1_none", ""), branding("us-east-1_none", clientA),
	} {
		wants(t, db, storage.ErrNotFound, func(tx storage.Tx) error { return tx.Brandings.Put(orphan) })
		hasBranding(t, db, orphan, false)
	}
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Brandings.Delete(poolA, ""), tx.Brandings.Delete(poolA, ""), tx.Brandings.Delete(poolB, clientA))
	})
	hasBranding(t, db, all, false)
	hasBranding(t, db, own, true)
}

// testBrandingCascade: brandings go with their client and with the pool.
func testBrandingCascade(t *testing.T, db storage.Store) {
	seed(t, db)
	all, own, other := branding(poolA, ""), branding(poolA, clientA), branding(poolB, "")
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Brandings.Put(all), tx.Brandings.Put(own), tx.Brandings.Put(other))
	})
	update(t, db, func(tx storage.Tx) error { return tx.Clients.Update(client(poolA, clientA)) })
	hasBranding(t, db, own, true)
	update(t, db, func(tx storage.Tx) error { return tx.Clients.Delete(clientA) })
	hasBranding(t, db, own, false)
	hasBranding(t, db, all, true)
	update(t, db, func(tx storage.Tx) error { return tx.Clients.Insert(client(poolA, clientA)) })
	hasBranding(t, db, own, false)
	update(t, db, func(tx storage.Tx) error { return tx.Brandings.Put(own) })
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(poolA) })
	hasBranding(t, db, all, false)
	hasBranding(t, db, own, false)
	hasBranding(t, db, other, true)
}
