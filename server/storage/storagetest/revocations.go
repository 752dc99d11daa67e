package storagetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
	"pgregory.net/rapid"
)

// The tokens of the sessions here end margin before life has passed since noon, and
// entries last for margin longer.
const (
	life   = 24 * time.Hour
	margin = time.Hour
)

// notice adds entries that are never replaced by one for the user.
func notice(at time.Time) storage.Notice {
	return storage.Notice{At: at, Margin: margin, PerUser: 1000, Settle: time.Second}
}

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
		n, err := tx.Revocations.Append(ended, notice(at))
		return counts("appended", n, err, want)
	})
}

func revocation(id string, at time.Time) storage.Revocation {
	return storage.Revocation{
		PoolID: poolA, UserSub: subA, SessionID: id, OriginJTI: "jti-" + id, IssuedAt: noon, At: at, Until: noon.Add(life),
	}
}

// testRevocations: which sessions an entry is added for.
func testRevocations(t *testing.T, db storage.Store) {
	seed(t, db)
	revoked, idle, young, foreign, other := session("revoked"), session("idle"), session("young"), session("foreign"), session("other")
	revoked.RevokedAt = noon
	idle.TokensEndAt = later.Add(-margin)
	young.TokensEndAt = later.Add(-margin + time.Microsecond)
	foreign.PoolID, foreign.UserSub, foreign.ClientID = poolB, subB, clientB
	other.UserSub, other.ClientID = "0ccccccc", "1ccccccc"
	bare := storage.Session{ID: "bare", PoolID: poolA, ClientID: clientA, UserSub: subA}
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Users.Insert(user(poolA, "0ccccccc", "cat")), tx.Clients.Insert(client(poolA, "1ccccccc")),
			tx.Sessions.Insert(session(sessionA)), tx.Sessions.Insert(session(sessionB)), tx.Sessions.Insert(revoked),
			tx.Sessions.Insert(idle), tx.Sessions.Insert(young), tx.Sessions.Insert(foreign), tx.Sessions.Insert(other), tx.Sessions.Insert(bare))
	})
	boundsAre(t, db, poolA, 0, 0)
	for _, none := range []storage.Ended{
		{}, {PoolID: poolA}, {PoolID: poolA, Except: sessionA}, {PoolID: poolA, SessionID: "nobody"},
		{PoolID: poolB, SessionID: sessionA}, {SessionID: sessionA}, {PoolID: poolA, SessionID: "revoked"},
		{PoolID: poolA, SessionID: "idle"}, {PoolID: poolA, SessionID: "bare"}, {PoolID: poolA, UserSub: subB}, {PoolID: poolA, ClientID: clientB},
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
	others.UserSub = "0ccccccc"
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
		_, err := tx.Revocations.Append(end, notice(later))
		return errors.Join(err, errRefused)
	})
	if !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	boundsAre(t, db, poolA, 0, 0)
	update(t, db, func(tx storage.Tx) error {
		n, err := tx.Revocations.Append(end, notice(later))
		return errors.Join(counts("appended", n, err, 1), tx.Users.Delete(poolA, subA))
	})
	listed(t, db, poolA, 0, 10, revocation(sessionA, later))
	update(t, db, func(tx storage.Tx) error { return tx.Clients.Delete(clientA) })
	listed(t, db, poolA, 0, 10, revocation(sessionA, later))
	update(t, db, func(tx storage.Tx) error { return tx.Pools.Delete(poolA) })
	listed(t, db, poolA, 0, 10)
	boundsAre(t, db, poolA, 0, 0)
}

// testRevocationFolds: when entries of a user's sessions become one for the user,
// and which of them.
func testRevocationFolds(t *testing.T, db storage.Store) {
	seed(t, db)
	insert := func(id string, issued time.Time, spoil func(*storage.Session)) {
		s := session(id)
		s.RefreshedAt, s.TokensEndAt = issued, issued.Add(time.Hour)
		spoil(&s)
		update(t, db, func(tx storage.Tx) error { return tx.Sessions.Insert(s) })
	}
	as := func(*storage.Session) {}
	for i := range 8 {
		insert(fmt.Sprint("s", i), noon.Add(time.Duration(i)*time.Second), as)
	}
	insert("live", noon, as)
	insert("live too", noon, func(s *storage.Session) { s.TokensEndAt = never })
	insert("over", noon, func(s *storage.Session) { s.ExpiresAt, s.TokensEndAt = noon, noon.Add(-2*margin) })
	insert("revoked", noon, func(s *storage.Session) { s.RevokedAt = noon })
	insert("foreign", noon, func(s *storage.Session) { s.PoolID, s.UserSub, s.ClientID = poolB, subB, clientB })
	n := storage.Notice{Margin: margin, PerUser: 2, Settle: 5 * time.Second}
	end := func(ended storage.Ended, at time.Time, want int) {
		t.Helper()
		n.At = at
		update(t, db, func(tx storage.Tx) error {
			got, err := tx.Revocations.Append(ended, n)
			_, err2 := tx.Sessions.Revoke(ended, at)
			return errors.Join(counts("noted", got, err, want), err2)
		})
	}
	single := func(i int, at time.Time) storage.Revocation {
		issued := noon.Add(time.Duration(i) * time.Second)
		e := revocation(fmt.Sprint("s", i), at)
		e.IssuedAt, e.Until = issued, issued.Add(time.Hour+margin)
		return e
	}
	s := func(i int) storage.Ended { return storage.Ended{PoolID: poolA, SessionID: fmt.Sprint("s", i)} }
	at := noon.Add(7 * time.Second) // covers tokens of the first two seconds
	for i := range 4 {
		end(s(i), at, 1)
	}
	listed(t, db, poolA, 0, 10, single(0, at), single(1, at), single(2, at), single(3, at)) // two are settled, which is allowed
	next := noon.Add(10 * time.Second)                                                      // covers five seconds
	end(s(7), next, 1)
	seqs := listed(t, db, poolA, 0, 10, single(7, next), storage.Revocation{
		PoolID: poolA, UserSub: subA, At: next, Until: noon.Add(3*time.Second + time.Hour + margin),
		Before: noon.Add(5 * time.Second).Truncate(time.Second),
		Except: []string{"live", "live too", "s4", "s5", "s6"}, Replaced: []string{"s0", "s1", "s2", "s3"},
	})
	boundsAre(t, db, poolA, 0, seqs[1])

	// All that the user has: of the settled entries one more may stay for four
	// exceptions. The session that goes on is excepted.
	evening := next.Add(time.Minute)
	end(storage.Ended{PoolID: poolA, UserSub: subA, Except: "live"}, evening, 3)
	seqs = listed(t, db, poolA, 0, 10, storage.Revocation{
		PoolID: poolA, UserSub: subA, At: evening, Until: noon.Add(7*time.Second + time.Hour + margin),
		Before: evening.Add(-n.Settle).Truncate(time.Second), Except: []string{"live"}, Replaced: []string{"s7"},
	})

	// A clock that was set back uncovers nothing.
	for i := range 3 {
		insert(fmt.Sprint("s1", i), noon, as)
	}
	end(storage.Ended{PoolID: poolA, ClientID: clientA}, next, 4)
	listed(t, db, poolA, seqs[0], 10, storage.Revocation{
		PoolID: poolA, UserSub: subA, At: next, Until: noon.Add(7*time.Second + time.Hour + margin),
		Before: evening.Add(-n.Settle).Truncate(time.Second),
	})
	listed(t, db, poolB, 0, 10)
}

// testRevocationAdmits: a session whose tokens the user's entry would cover is
// excepted from it.
func testRevocationAdmits(t *testing.T, db storage.Store) {
	seed(t, db)
	update(t, db, func(tx storage.Tx) error {
		return errors.Join(tx.Sessions.Insert(session(sessionA)), tx.Sessions.Insert(session("going on")))
	})
	admit := func(s storage.Session, want bool) {
		t.Helper()
		update(t, db, func(tx storage.Tx) error {
			ok, err := tx.Revocations.Admit(s, later)
			return holds("admitted "+s.ID, ok, err, want)
		})
	}
	admit(session("before"), false)
	n := storage.Notice{At: noon.Add(time.Minute), Margin: margin, Settle: time.Second}
	update(t, db, func(tx storage.Tx) error {
		_, err := tx.Revocations.Append(storage.Ended{PoolID: poolA, SessionID: sessionA}, n)
		return err
	})
	whole := storage.Revocation{
		PoolID: poolA, UserSub: subA, At: n.At, Until: noon.Add(life), Before: n.Before(),
		Except: []string{"going on"},
	}
	seqs := listed(t, db, poolA, 0, 10, whole)
	late := session("late")
	late.RefreshedAt = n.Before()
	foreign := session("foreign")
	foreign.PoolID, foreign.UserSub = poolB, subB
	admit(late, false)
	admit(foreign, false)
	admit(session("going on"), false)
	listed(t, db, poolA, seqs[0], 10)
	admit(session("early"), true)
	admit(session("early"), false)
	whole.At, whole.Except = later, []string{"early", "going on"}
	seqs = listed(t, db, poolA, 0, 10, whole)
	admit(session("earlier too"), true)
	whole.Except = []string{"earlier too", "early", "going on"}
	if last := listed(t, db, poolA, 0, 10, whole); last[0] <= seqs[0] {
		t.Errorf("number %d does not follow %d", last[0], seqs[0])
	}
}

// drawAppend writes what is about to end into a feed. Sessions are told apart by
// id in a Store, so the model sorts them.
func drawAppend(r *rapid.T) step {
	orNone := func(from []string, name string) string { return pick(r, slices.Concat(from, []string{"", ""}), name) }
	ended := storage.Ended{
		PoolID: pick(r, modelPools, "pool"), SessionID: orNone(modelSessions, "session"), UserSub: orNone(modelSubs, "sub"),
		ClientID: orNone(modelClients, "client"), Except: orNone(modelSessions, "except"), Provider: orNone(modelProviders, "provider"),
	}
	n := storage.Notice{
		At: drawTime(r), Margin: 3 * time.Minute, PerUser: rapid.IntRange(0, 3).Draw(r, "per user"), Settle: time.Minute,
	}
	return step{
		fmt.Sprintf("append %+v, %+v", ended, n),
		func(tx storage.Tx) string { return answer(tx.Revocations.Append(ended, n)) },
		func(m *model) string {
			count, last := 0, m.feeds[ended.PoolID].last
			users := map[string]bool{}
			for _, id := range modelSessions {
				s, ok := m.sessions[id]
				if !ok || !meant(ended, s) || !s.RevokedAt.IsZero() || !s.TokensEndAt.Add(n.Margin).After(n.At) {
					continue
				}
				m.enter(storage.Revocation{
					PoolID: s.PoolID, UserSub: s.UserSub, SessionID: id, IssuedAt: s.RefreshedAt, At: n.At, Until: s.TokensEndAt.Add(n.Margin),
				})
				users[s.UserSub] = true
				count++
			}
			for _, sub := range slices.Sorted(maps.Keys(users)) {
				m.fold(sub, ended, n, last)
			}
			return fmt.Sprint(count)
		},
	}
}

// enter adds an entry with the next number.
func (m *model) enter(e storage.Revocation) {
	feed := m.feeds[e.PoolID]
	feed.last = max(feed.last+1, e.At.UnixMicro())
	e.Seq = feed.last
	feed.entries = append(slices.Clone(feed.entries), e)
	m.feeds[e.PoolID] = feed
}

// fold replaces entries of a user by one for the user, as Append is to do.
func (m *model) fold(sub string, ended storage.Ended, n storage.Notice, last int64) {
	feed := m.feeds[ended.PoolID]
	whole := storage.Revocation{PoolID: ended.PoolID, UserSub: sub, At: n.At, Before: n.Before()}
	excepted := 0
	for _, e := range feed.entries {
		if e.UserSub == sub && !e.Before.IsZero() {
			whole.Before, whole.Until, excepted = latest(whole.Before, e.Before), e.Until, len(e.Except)
		}
	}
	var stay []storage.Revocation
	gone := 0
	for _, e := range feed.entries {
		single := e.Before.IsZero()
		if e.UserSub != sub || single && !e.IssuedAt.Before(whole.Before) {
			stay = append(stay, e)
			continue
		}
		whole.Until = latest(whole.Until, e.Until)
		if single {
			gone++
		}
		if single && e.Seq <= last {
			whole.Replaced = append(whole.Replaced, e.SessionID)
		}
	}
	if gone <= n.PerUser+excepted/4 {
		return
	}
	slices.Sort(whole.Replaced)
	for _, id := range modelSessions {
		s, ok := m.sessions[id]
		alive := s.ExpiresAt.After(n.At) || s.TokensEndAt.Add(n.Margin).After(n.At)
		if ok && s.PoolID == ended.PoolID && s.UserSub == sub && s.RevokedAt.IsZero() && alive && !meant(ended, s) {
			whole.Except = append(whole.Except, id)
		}
	}
	feed.entries = stay
	m.feeds[ended.PoolID] = feed
	m.enter(whole)
}

// drawAdmit excepts a session from its user's entry.
func drawAdmit(r *rapid.T) step {
	s := storage.Session{
		ID: pick(r, modelSessions, "session"), PoolID: pick(r, modelPools, "pool"), UserSub: pick(r, modelSubs, "sub"), RefreshedAt: drawTime(r),
	}
	at := drawTime(r)
	return step{
		fmt.Sprintf("admit %+v at %v", s, at),
		func(tx storage.Tx) string { return answer(tx.Revocations.Admit(s, at)) },
		func(m *model) string {
			feed := m.feeds[s.PoolID]
			for i, e := range feed.entries {
				if e.UserSub != s.UserSub || !s.RefreshedAt.Before(e.Before) || slices.Contains(e.Except, s.ID) {
					continue
				}
				feed.entries = slices.Delete(slices.Clone(feed.entries), i, i+1)
				m.feeds[s.PoolID] = feed
				e.At, e.Except = at, append(slices.Clone(e.Except), s.ID)
				slices.Sort(e.Except)
				m.enter(e)
				return "true"
			}
			return "false"
		},
	}
}

// meant compares field by field what a field asks for.
func meant(ended storage.Ended, s storage.Session) bool {
	asked := 0
	for _, field := range [][2]string{{ended.SessionID, s.ID}, {ended.UserSub, s.UserSub}, {ended.ClientID, s.ClientID}, {ended.Provider, s.Provider}} {
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
