package storagetest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
	"pgregory.net/rapid"
)

// The world of the random steps is small, so that they often meet.
var (
	modelPools     = []string{"p1", "p2"}
	modelClients   = []string{"c1", "c2", "c3"}
	modelSubs      = []string{"s1", "s2", "s3", "s4"}
	modelLogins    = []string{"ann", "bob", "a%", "ä", "' OR 1=1 --"}
	modelGroups    = []string{"g1", "g2"}
	modelSessions  = []string{"x1", "x2", "x3", "x4"}
	modelKeys      = []string{"k1", "k2"}
	modelProviders = []string{"Corp", "Other"}
)

func pick(r *rapid.T, from []string, name string) string {
	return rapid.SampledFrom(from).Draw(r, name)
}

func drawTime(r *rapid.T) time.Time {
	return noon.Add(time.Duration(rapid.IntRange(0, 5).Draw(r, "minutes")) * time.Minute)
}

func drawStep(r *rapid.T) step {
	draws := []func(*rapid.T) step{
		drawUser, drawUser, drawUser, drawDeleteUser, drawUserList, drawClient, drawDeleteClient, drawGroup, drawDeleteGroup,
		drawMember, drawSession, drawSession, drawAdvance, drawAdvance, drawRevoke, drawRevoke, drawExcess, drawPruneSessions,
		drawAppend, drawAppend, drawAppend, drawAdmit, drawPruneRevocations,
		drawAttempt, drawSpend, drawPool,
	}
	return rapid.SampledFrom(draws).Draw(r, "step")(r)
}

const done = "<nil>" // the answer of a method that only returns an error

func drawUser(r *rapid.T) step {
	u := storage.User{
		PoolID: pick(r, modelPools, "pool"), Sub: pick(r, modelSubs, "sub"), Username: pick(r, modelLogins, "username"),
		Logins:     rapid.SliceOfN(rapid.SampledFrom(modelLogins), 0, 3).Draw(r, "logins"),
		Attributes: map[string]string{"email": pick(r, modelLogins, "email")},
		SignOuts:   int64(rapid.IntRange(0, 3).Draw(r, "sign-outs")),
	}
	if u.Sub == "s4" {
		delete(u.Attributes, "email")
	}
	k := [2]string{u.PoolID, u.Sub}
	insert := rapid.Bool().Draw(r, "insert")
	return step{
		fmt.Sprintf("user %+v, insert %v", u, insert),
		func(tx storage.Tx) string {
			if insert {
				return answer(nil, tx.Users.Insert(u))
			}
			return answer(nil, tx.Users.Update(u))
		},
		func(m *model) string {
			_, there := m.users[k]
			_, pool := m.pools[u.PoolID]
			switch {
			case insert && there:
				return "exists"
			case insert && !pool, !insert && !there:
				return "not found"
			}
			for _, login := range u.Logins {
				for other, v := range m.users {
					if other != k && other[0] == u.PoolID && slices.Contains(v.Logins, login) {
						return "taken " + login
					}
				}
			}
			m.users[k] = u
			return done
		},
	}
}

func drawDeleteUser(r *rapid.T) step {
	pool, sub := pick(r, modelPools, "pool"), pick(r, modelSubs, "sub")
	return step{
		"delete user " + pool + " " + sub,
		func(tx storage.Tx) string { return answer(nil, tx.Users.Delete(pool, sub)) },
		func(m *model) string {
			if _, ok := m.users[[2]string{pool, sub}]; !ok {
				return "not found"
			}
			m.deleteUser(pool, sub)
			return done
		},
	}
}

func drawUserList(r *rapid.T) step {
	pool := pick(r, modelPools, "pool")
	limit := rapid.IntRange(0, 3).Draw(r, "limit")
	filter := storage.UserFilter{
		Attribute: pick(r, []string{"", "username", "email", "other"}, "attribute"),
		Match:     rapid.SampledFrom([]storage.Match{storage.Equals, storage.StartsWith}).Draw(r, "match"),
		Value:     pick(r, slices.Concat(modelLogins, []string{"", "a"}), "value"),
	}
	var after storage.UserCursor
	if after.Sub = pick(r, slices.Concat(modelSubs, []string{""}), "after"); after.Sub != "" && filter.Match == storage.StartsWith && filter.Attribute != "" {
		after.Value = filter.Value + pick(r, []string{"", "n", "nn", "%"}, "after value") // passes, as all cursors do
	}
	return step{
		fmt.Sprintf("list users of %s by %+v after %+v, %d of them", pool, filter, after, limit),
		func(tx storage.Tx) string { return answer(tx.Users.List(pool, filter, after, limit)) },
		func(m *model) string { return answer(m.list(pool, filter, after, limit), nil) },
	}
}

func drawClient(r *rapid.T) step {
	c := storage.Client{ID: pick(r, modelClients, "client"), PoolID: pick(r, modelPools, "pool")}
	return step{
		"insert client " + c.ID + " in " + c.PoolID,
		func(tx storage.Tx) string { return answer(nil, tx.Clients.Insert(c)) },
		func(m *model) string {
			if _, ok := m.clients[c.ID]; ok {
				return "exists"
			}
			if _, ok := m.pools[c.PoolID]; !ok {
				return "not found"
			}
			m.clients[c.ID] = c
			return done
		},
	}
}

func drawDeleteClient(r *rapid.T) step {
	id := pick(r, modelClients, "client")
	return step{
		"delete client " + id,
		func(tx storage.Tx) string { return answer(nil, tx.Clients.Delete(id)) },
		func(m *model) string {
			if _, ok := m.clients[id]; !ok {
				return "not found"
			}
			m.deleteClient(id)
			return done
		},
	}
}

func drawPool(r *rapid.T) step {
	id := pick(r, modelPools, "pool")
	return step{
		"insert or delete pool " + id,
		func(tx storage.Tx) string {
			if err := tx.Pools.Insert(storage.Pool{ID: id}); answer(nil, err) != "exists" {
				return answer(nil, err)
			}
			return answer(nil, tx.Pools.Delete(id))
		},
		func(m *model) string {
			if _, ok := m.pools[id]; ok {
				m.deletePool(id)
			} else {
				m.pools[id] = storage.Pool{ID: id}
			}
			return done
		},
	}
}

func drawGroup(r *rapid.T) step {
	g := storage.Group{PoolID: pick(r, modelPools, "pool"), Name: pick(r, modelGroups, "group")}
	k := [2]string{g.PoolID, g.Name}
	return step{
		fmt.Sprint("insert group ", k),
		func(tx storage.Tx) string { return answer(nil, tx.Groups.Insert(g)) },
		func(m *model) string {
			if _, ok := m.groups[k]; ok {
				return "exists"
			}
			if _, ok := m.pools[g.PoolID]; !ok {
				return "not found"
			}
			m.groups[k] = g
			return done
		},
	}
}

func drawDeleteGroup(r *rapid.T) step {
	k := [2]string{pick(r, modelPools, "pool"), pick(r, modelGroups, "group")}
	return step{
		fmt.Sprint("delete group ", k),
		func(tx storage.Tx) string { return answer(nil, tx.Groups.Delete(k[0], k[1])) },
		func(m *model) string {
			if _, ok := m.groups[k]; !ok {
				return "not found"
			}
			delete(m.groups, k)
			for member := range m.members {
				if member[0] == k[0] && member[1] == k[1] {
					delete(m.members, member)
				}
			}
			return done
		},
	}
}

func drawMember(r *rapid.T) step {
	k := [3]string{pick(r, modelPools, "pool"), pick(r, modelGroups, "group"), pick(r, modelSubs, "sub")}
	add := rapid.IntRange(0, 2).Draw(r, "add") > 0
	return step{
		fmt.Sprint("member ", k, add),
		func(tx storage.Tx) string {
			if add {
				return answer(nil, tx.Members.Add(k[0], k[1], k[2]))
			}
			return answer(nil, tx.Members.Remove(k[0], k[1], k[2]))
		},
		func(m *model) string {
			_, group := m.groups[[2]string{k[0], k[1]}]
			_, user := m.users[[2]string{k[0], k[2]}]
			switch {
			case !add:
				delete(m.members, k)
			case !group || !user:
				return "not found"
			default:
				m.members[k] = true
			}
			return done
		},
	}
}

func drawSession(r *rapid.T) step {
	s := storage.Session{
		ID: pick(r, modelSessions, "session"), PoolID: pick(r, modelPools, "pool"), ClientID: pick(r, modelClients, "client"),
		UserSub: pick(r, modelSubs, "sub"), Provider: pick(r, slices.Concat(modelProviders, []string{""}), "provider"), Generation: 1, RefreshedAt: drawTime(r), TokensEndAt: drawTime(r), ExpiresAt: drawTime(r),
	}
	return step{
		fmt.Sprintf("insert session %+v", s),
		func(tx storage.Tx) string { return answer(nil, tx.Sessions.Insert(s)) },
		func(m *model) string {
			_, client := m.clients[s.ClientID]
			_, user := m.users[[2]string{s.PoolID, s.UserSub}]
			if _, ok := m.sessions[s.ID]; ok {
				return "exists"
			}
			if !client || !user {
				return "not found"
			}
			m.sessions[s.ID] = s
			return done
		},
	}
}

func drawAdvance(r *rapid.T) step {
	id, now, tokensEnd := pick(r, modelSessions, "session"), drawTime(r), drawTime(r)
	generation := int64(rapid.IntRange(1, 3).Draw(r, "generation"))
	rotate := rapid.Bool().Draw(r, "rotate")
	return step{
		fmt.Sprint("advance ", id, generation, rotate, now, tokensEnd),
		func(tx storage.Tx) string { return answer(tx.Sessions.Advance(id, generation, rotate, now, tokensEnd)) },
		func(m *model) string {
			s, ok := m.sessions[id]
			if !ok || s.Generation != generation || !s.RevokedAt.IsZero() || !now.Before(s.ExpiresAt) {
				return "false"
			}
			s.RefreshedAt, s.TokensEndAt = latest(s.RefreshedAt, now), latest(s.TokensEndAt, tokensEnd)
			if rotate {
				s.Generation, s.RotatedAt = s.Generation+1, now
			}
			m.sessions[id] = s
			return "true"
		},
	}
}

func drawRevoke(r *rapid.T) step {
	orNone := func(from []string, name string) string { return pick(r, slices.Concat(from, []string{""}), name) }
	ended, now := storage.Ended{
		PoolID: pick(r, modelPools, "pool"), SessionID: orNone(modelSessions, "session"), UserSub: orNone(modelSubs, "sub"),
		ClientID: orNone(modelClients, "client"), Except: orNone(modelSessions, "except"), Provider: orNone(modelProviders, "provider"),
	}, drawTime(r)
	return step{
		fmt.Sprintf("revoke %+v at %v", ended, now),
		func(tx storage.Tx) string { return answer(tx.Sessions.Revoke(ended, now)) },
		func(m *model) string {
			n := 0
			for id, s := range m.sessions {
				if meant(ended, s) && s.RevokedAt.IsZero() {
					s.RevokedAt = now
					m.sessions[id] = s
					n++
				}
			}
			return fmt.Sprint(n)
		},
	}
}

func drawExcess(r *rapid.T) step {
	pool, sub, now := pick(r, modelPools, "pool"), pick(r, modelSubs, "sub"), drawTime(r)
	most, keep := rapid.IntRange(0, 3).Draw(r, "most"), rapid.IntRange(0, 2).Draw(r, "keep")
	return step{
		fmt.Sprint("sessions beyond ", keep, " if more than ", most, " of ", pool, sub, now),
		func(tx storage.Tx) string {
			list, err := tx.Sessions.Excess(pool, sub, most, keep, now)
			return answer(keysOf(list, func(s storage.Session) string { return s.ID }), err)
		},
		func(m *model) string {
			var live []storage.Session
			for _, id := range modelSessions {
				s, ok := m.sessions[id]
				if ok && s.PoolID == pool && s.UserSub == sub && s.RevokedAt.IsZero() && (s.ExpiresAt.After(now) || s.TokensEndAt.After(now)) {
					live = append(live, s)
				}
			}
			slices.SortStableFunc(live, func(a, b storage.Session) int { return b.RefreshedAt.Compare(a.RefreshedAt) })
			if len(live) <= most {
				live = nil
			}
			live = live[min(keep, len(live)):]
			slices.Reverse(live)
			return answer(keysOf(live, func(s storage.Session) string { return s.ID }), nil)
		},
	}
}

func drawPruneSessions(r *rapid.T) step {
	before := drawTime(r)
	return step{
		fmt.Sprint("prune ", before),
		func(tx storage.Tx) string { return answer(tx.Sessions.Prune(before, 100)) },
		func(m *model) string {
			n := len(m.sessions)
			m.deleteSessions(func(s storage.Session) bool {
				return s.ExpiresAt.Before(before) || !s.RevokedAt.IsZero() && s.RevokedAt.Before(before)
			})
			return fmt.Sprint(n - len(m.sessions))
		},
	}
}

func drawAttempt(r *rapid.T) step {
	key, clear := pick(r, modelKeys, "key"), rapid.IntRange(0, 3).Draw(r, "clear") == 0
	return step{
		"attempt " + key,
		func(tx storage.Tx) string {
			a, err := tx.Attempts.Attempt(key)
			if err != nil {
				return err.Error()
			}
			a.Failures++
			if clear {
				return answer(a, tx.Attempts.Delete(key))
			}
			return answer(a, tx.Attempts.Put(a))
		},
		func(m *model) string {
			a := m.attempts[key]
			a.Key = key
			a.Failures++
			m.attempts[key] = a
			if clear {
				delete(m.attempts, key)
			}
			return answer(a, nil)
		},
	}
}

func drawSpend(r *rapid.T) step {
	id, until := pick(r, modelKeys, "id"), drawTime(r)
	prune := rapid.IntRange(0, 2).Draw(r, "prune") == 0
	return step{
		fmt.Sprint("spend ", id, until, prune),
		func(tx storage.Tx) string {
			if prune {
				return answer(tx.Spent.Prune(until, 100))
			}
			return answer(tx.Spent.Spend(id, until))
		},
		func(m *model) string {
			if prune {
				n := len(m.spent)
				maps.DeleteFunc(m.spent, func(_ string, u time.Time) bool { return u.Before(until) })
				return fmt.Sprint(n - len(m.spent))
			}
			if _, ok := m.spent[id]; ok {
				return "false"
			}
			m.spent[id] = until
			return "true"
		},
	}
}
