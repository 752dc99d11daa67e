package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
	"pgregory.net/rapid"
)

// life is how long the tokens of the sessions here live.
const life = 24 * time.Hour

// listed compares a page of a pool's feed, without numbers.
func listed(t *testing.T, db storage.Store, poolID string, after int64, limit int, want ...storage.Revocation) (seqs []int64) {
	t.Helper()
	view(t, db, func(tx storage.Tx) error {
		list, err := tx.Revocations.List(poolID, after, limit)
		for i := range list {
			seqs = append(seqs, list[i].Seq)
			list[i].Seq = 0
			if i > 0 && seqs[i] <= seqs[i-1] {
				t.Errorf("numbers %v do not grow", seqs)
			}
		}
		return errors.Join(err, same("revocations", list, want))
	})
	return seqs
}

func boundsAre(t *testing.T, db storage.Store, poolID string, pruned, last int64) {
	t.Helper()
	view(t, db, func(tx storage.Tx) error {
		gotPruned, gotLast, err := tx.Revocations.Bounds(poolID)
		return errors.Join(err, same("bounds", [2]int64{gotPruned, gotLast}, [2]int64{pruned, last}))
	})
}

func appended(t *testing.T, db storage.Store, ended storage.Ended, at time.Time, want int) {
	t.Helper()
	update(t, db, func(tx storage.Tx) error {
		n, err := tx.Revocations.Append(ended, at, life)
		return counts("appended", n, err, want)
	})
}

func revocation(id string, at time.Time) storage.Revocation {
	return storage.Revocation{PoolID: poolA, SessionID: id, OriginJTI: "jti-" + id, At: at, Until: noon.Add(life)}
}

// testRevocations: which sessions an entry is added for.
func testRevocations(t *testing.T, db storage.Store) {
	seed(t, db)
	revoked, idle, young, foreign, other := session("revoked"), session("idle"), session("young"), session("foreign"), session("other")
	revoked.RevokedAt = noon
	idle.RefreshedAt = later.Add(-life)
	young.RefreshedAt = later.Add(-life + time.Microsecond)
	foreign.PoolID, foreign.UserSub, foreign.ClientID = poolB, subB, clientB
	other.UserSub, other.ClientID = "0ccccccc", "1ccccccc"
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Users.Insert(user(poolA, "0ccccccc", "cat")), tx.Clients.Insert(client(poolA, "1ccccccc")),
			tx.Sessions.Insert(session(sessionA)), tx.Sessions.Insert(session(sessionB)), tx.Sessions.Insert(revoked),
			tx.Sessions.Insert(idle), tx.Sessions.Insert(young), tx.Sessions.Insert(foreign), tx.Sessions.Insert(other))
	})
	boundsAre(t, db, poolA, 0, 0)
	for _, none := range []storage.Ended{
		{}, {PoolID: poolA}, {PoolID: poolA, Except: sessionA}, {PoolID: poolA, SessionID: "nobody"},
		{PoolID: poolB, SessionID: sessionA}, {SessionID: sessionA}, {PoolID: poolA, SessionID: "revoked"},
		{PoolID: poolA, SessionID: "idle"}, {PoolID: poolA, UserSub: subB}, {PoolID: poolA, ClientID: clientB},
		{PoolID: poolA, SessionID: sessionA, Except: sessionA}, {PoolID: poolA, SessionID: sessionA, UserSub: "0ccccccc"},
		{PoolID: poolA, UserSub: subA, ClientID: "1ccccccc"},
	} {
		appended(t, db, none, later, 0)
	}
	listed(t, db, poolA, 0, 10)
	boundsAre(t, db, poolA, 0, 0)

	youngs := revocation("young", later)
	youngs.Until = later.Add(time.Microsecond)
	a, b, others := revocation(sessionA, later), revocation(sessionB, later), revocation("other", later)
	appended(t, db, storage.Ended{PoolID: poolA, SessionID: sessionA}, later, 1)
	appended(t, db, storage.Ended{PoolID: poolA, UserSub: subA, Except: sessionA}, later, 2)
	appended(t, db, storage.Ended{PoolID: poolA, ClientID: "1ccccccc"}, later, 1)
	appended(t, db, storage.Ended{PoolID: poolA, ClientID: clientA, UserSub: subA}, later, 3)
	seqs := listed(t, db, poolA, 0, 10, a, b, youngs, others, a, b, youngs)
	if seqs[0] != later.UnixMicro() {
		t.Errorf("first number %d, want the time's %d", seqs[0], later.UnixMicro())
	}
	boundsAre(t, db, poolA, 0, seqs[6])
	listed(t, db, poolA, seqs[0], 2, b, youngs)
	listed(t, db, poolA, seqs[6], 10)
	listed(t, db, poolA, 0, 0)
	listed(t, db, poolA, 0, -1)
	listed(t, db, poolB, 0, 10)
	boundsAre(t, db, poolB, 0, 0)
}

// testRevocationBounds: numbers grow whatever the clock and Prune do.
func testRevocationBounds(t *testing.T, db storage.Store) {
	seed(t, db)
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Sessions.Insert(session(sessionA)), tx.Sessions.Insert(session(sessionB)))
	})
	end := storage.Ended{PoolID: poolA, SessionID: sessionA}
	appended(t, db, end, later, 1)
	appended(t, db, end, noon, 1) // the clock was set back
	appended(t, db, end, later.Add(time.Hour), 1)
	first, last := later.UnixMicro(), later.Add(time.Hour).UnixMicro()
	seqs := listed(t, db, poolA, 0, 10, revocation(sessionA, later), revocation(sessionA, noon), revocation(sessionA, later.Add(time.Hour)))
	if seqs[0] != first || seqs[1] != first+1 || seqs[2] != last {
		t.Errorf("numbers %v, want %v", seqs, []int64{first, first + 1, last})
	}
	prune := func(before time.Time, limit, want int) {
		t.Helper()
		update(t, db, func(tx storage.Tx) error {
			n, err := tx.Revocations.Prune(before, limit)
			return counts("pruned", n, err, want)
		})
	}
	until := noon.Add(life)
	prune(until, 10, 0)
	prune(until.Add(time.Microsecond), 0, 0)
	prune(until.Add(time.Microsecond), -1, 0)
	boundsAre(t, db, poolA, 0, last)
	prune(until.Add(time.Hour), 10, 3)
	boundsAre(t, db, poolA, last, last)
	listed(t, db, poolA, 0, 10)
	appended(t, db, end, noon, 1)
	boundsAre(t, db, poolA, last, last+1)
}

// testRevocationEnds: an entry outlives its session and its user, not a closure
// that fails, and not the pool.
func testRevocationEnds(t *testing.T, db storage.Store) {
	seed(t, db)
	update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(session(sessionA)) })
	end := storage.Ended{PoolID: poolA, UserSub: subA}
	err := db.Update(ctx, func(tx storage.Tx) error {
		_, err := tx.Revocations.Append(end, later, life)
		return errors.Join(err, errRefused)
	})
	if !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	boundsAre(t, db, poolA, 0, 0)
	update(t, db, func(tx storage.Tx) error {
		n, err := tx.Revocations.Append(end, later, life)
		return errors.Join(counts("appended", n, err, 1), tx.Users.Delete(poolA, subA))
	})
	listed(t, db, poolA, 0, 10, revocation(sessionA, later))
	update(t, db, func(tx storage.Tx) error { return tx.Clients.Delete(clientA) })
	listed(t, db, poolA, 0, 10, revocation(sessionA, later))
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(poolA) })
	listed(t, db, poolA, 0, 10)
	boundsAre(t, db, poolA, 0, 0)
}

// drawAppend writes what is about to end into a feed. Sessions are told apart by
// id in a Store, so the model sorts them.
func drawAppend(r *rapid.T) step {
	orNone := func(from []string, name string) string { return pick(r, slices.Concat(from, []string{"", ""}), name) }
	ended := storage.Ended{
		PoolID: pick(r, modelPools, "pool"), SessionID: orNone(modelSessions, "session"), UserSub: orNone(modelSubs, "sub"),
		ClientID: orNone(modelClients, "client"), Except: orNone(modelSessions, "except"),
	}
	at, life := drawTime(r), 3*time.Minute
	return step{
		fmt.Sprintf("append %+v at %v", ended, at),
		func(tx storage.Tx) string { return answer(tx.Revocations.Append(ended, at, life)) },
		func(m *model) string {
			feed := m.feeds[ended.PoolID]
			feed.entries = slices.Clone(feed.entries)
			count := 0
			for _, id := range modelSessions {
				s, ok := m.sessions[id]
				if !ok || !meant(ended, s) || !s.RevokedAt.IsZero() || !s.RefreshedAt.Add(life).After(at) {
					continue
				}
				feed.last = max(feed.last+1, at.UnixMicro())
				feed.entries = append(feed.entries, storage.Revocation{
					Seq: feed.last, PoolID: s.PoolID, SessionID: id, At: at, Until: s.RefreshedAt.Add(life),
				})
				count++
			}
			if count > 0 {
				m.feeds[ended.PoolID] = feed
			}
			return fmt.Sprint(count)
		},
	}
}

// meant compares field by field what a field asks for.
func meant(ended storage.Ended, s storage.Session) bool {
	asked := 0
	for _, field := range [][2]string{{ended.SessionID, s.ID}, {ended.UserSub, s.UserSub}, {ended.ClientID, s.ClientID}} {
		if field[0] == "" {
			continue
		}
		if asked++; field[0] != field[1] {
			return false
		}
	}
	return asked > 0 && s.PoolID == ended.PoolID && s.ID != ended.Except
}

func drawPruneRevocations(r *rapid.T) step {
	before := drawTime(r)
	return step{
		fmt.Sprint("prune revocations ", before),
		func(tx storage.Tx) string { return answer(tx.Revocations.Prune(before, 100)) },
		func(m *model) string {
			count := 0
			for pool, feed := range m.feeds {
				var kept []storage.Revocation
				for _, e := range feed.entries {
					if e.Until.Before(before) {
						feed.pruned = max(feed.pruned, e.Seq)
						count++
					} else {
						kept = append(kept, e)
					}
				}
				feed.entries = kept
				m.feeds[pool] = feed
			}
			return fmt.Sprint(count)
		},
	}
}
