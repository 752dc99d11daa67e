package storagetest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/server/storage"
	"pgregory.net/rapid"
)

// A model is a storage without indexes, transactions or cleverness: every
// question is answered by looking at everything.
type model struct {
	pools    map[string]storage.Pool
	clients  map[string]storage.Client
	users    map[[2]string]storage.User
	groups   map[[2]string]storage.Group
	members  map[[3]string]bool // pool, group, sub
	sessions map[string]storage.Session
	attempts map[string]storage.Attempt
	spent    map[string]time.Time
	feeds    map[string]modelFeed
}

// modelFeed is a pool's feed of revocations.
type modelFeed struct {
	pruned, last int64
	entries      []storage.Revocation
}

func newModel() *model {
	return &model{
		map[string]storage.Pool{}, map[string]storage.Client{}, map[[2]string]storage.User{},
		map[[2]string]storage.Group{}, map[[3]string]bool{}, map[string]storage.Session{},
		map[string]storage.Attempt{}, map[string]time.Time{}, map[string]modelFeed{},
	}
}

func (m *model) clone() *model {
	return &model{
		maps.Clone(m.pools), maps.Clone(m.clients), maps.Clone(m.users), maps.Clone(m.groups),
		maps.Clone(m.members), maps.Clone(m.sessions), maps.Clone(m.attempts), maps.Clone(m.spent),
		maps.Clone(m.feeds),
	}
}

// A step does the same to a Store and to the model, and returns both answers:
// values and errors written out, so that they compare.
type step struct {
	name  string
	store func(storage.Tx) string
	model func(*model) string
}

var errAbort = errors.New("drawn to fail")

// testModel runs random transactions on a Store and on the model, some of which
// are drawn to fail at their end, and compares every answer and every state.
func testModel(t *testing.T, open func(*testing.T) storage.Store) {
	rapid.Check(t, func(r *rapid.T) {
		db := open(t)
		m := newModel()
		for _, id := range modelPools {
			p := storage.Pool{ID: id}
			m.pools[id] = p
			update(t, db, func(tx storage.Tx) error { return tx.Pools.Insert(p) })
		}
		for range rapid.IntRange(1, 12).Draw(r, "transactions") {
			steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 12).Draw(r, "steps")
			transact(r, db, &m, steps, rapid.IntRange(0, 3).Draw(r, "fails") == 0)
		}
		if err := db.Close(); err != nil {
			r.Fatal(err)
		}
	})
}

// transact runs the steps in one Update, and replaces the model when it succeeds.
func transact(r *rapid.T, db storage.Store, m **model, steps []step, fails bool) {
	next := (*m).clone()
	err := db.Update(ctx, func(tx storage.Tx) error {
		for _, s := range steps {
			if got, want := s.store(tx), s.model(next); got != want {
				return fmt.Errorf("%s: answer %s, want %s", s.name, got, want)
			}
		}
		if err := compare(tx, next); err != nil {
			return fmt.Errorf("within the transaction: %w", err)
		}
		if fails {
			return errAbort
		}
		return nil
	})
	if fails && errors.Is(err, errAbort) {
		next, err = *m, nil
	}
	if err != nil {
		r.Fatal(err)
	}
	*m = next
	if err := db.View(ctx, func(tx storage.Tx) error { return compare(tx, next) }); err != nil {
		r.Fatal(err)
	}
}

// compare reads everything in the small world of the steps.
func compare(tx storage.Tx, m *model) error {
	var got, want []string
	see := func(g, w string) { got, want = append(got, g), append(want, w) }
	for _, id := range modelSessions {
		s, err := tx.Sessions.Session(id)
		see(answer(s, err), m.session(id))
	}
	for _, p := range modelPools {
		users, err := tx.Users.List(p, storage.UserFilter{}, storage.UserCursor{}, 100)
		see(answer(users, err), answer(m.list(p, storage.UserFilter{}, storage.UserCursor{}, 100), nil))
		n, err := tx.Pools.CountUsers(p, 100)
		see(answer(n, err), answer(len(users), nil))
		n, err = tx.Pools.CountUsers(p, 2)
		see(answer(n, err), answer(min(len(users), 2), nil))
		clients, err := tx.Clients.List(p, "", 100)
		see(answer(keysOf(clients, func(c storage.Client) string { return c.ID }), err), answer(m.clientsOf(p), nil))
		entries, err := tx.Revocations.List(p, 0, 100)
		see(answer(entries, err), answer(m.feeds[p].entries, nil))
		pruned, last, err := tx.Revocations.Bounds(p)
		see(answer([]int64{pruned, last}, err), answer([]int64{m.feeds[p].pruned, m.feeds[p].last}, nil))
		for _, login := range modelLogins {
			u, err := tx.Users.Lookup(p, login)
			see(answer(u, err), m.lookup(p, login))
		}
		for _, u := range users {
			of, err := tx.Members.GroupsOf(p, u.Sub, "", 100)
			see(answer(keysOf(of, func(g storage.Group) string { return g.Name }), err), answer(m.groupsOf(p, u.Sub), nil))
		}
		for _, g := range modelGroups {
			in, err := tx.Members.UsersIn(p, g, "", 100)
			see(answer(keysOf(in, func(u storage.User) string { return u.Sub }), err), answer(m.usersIn(p, g), nil))
		}
	}
	return same("state", got, want)
}

func answer(value any, err error) string {
	var taken *storage.LoginTakenError
	switch {
	case errors.As(err, &taken):
		return "taken " + taken.Login
	case errors.Is(err, storage.ErrNotFound):
		return "not found"
	case errors.Is(err, storage.ErrExists):
		return "exists"
	case err != nil:
		return "error: " + err.Error()
	}
	if u, ok := value.(storage.User); ok {
		return writeUser(u)
	}
	if users, ok := value.([]storage.User); ok {
		return strings.Join(keysOf(users, writeUser), "; ")
	}
	return fmt.Sprintf("%v", value)
}

func writeUser(u storage.User) string {
	return fmt.Sprintf("%s/%s %q %v %v %d", u.PoolID, u.Sub, u.Username, u.Logins, u.Attributes, u.SignOuts)
}

func (m *model) session(id string) string {
	s, ok := m.sessions[id]
	if !ok {
		return "not found"
	}
	return answer(s, nil)
}

func (m *model) lookup(poolID, login string) string {
	for _, u := range m.users {
		if u.PoolID == poolID && slices.Contains(u.Logins, login) {
			return writeUser(u)
		}
	}
	return "not found"
}

func (m *model) list(poolID string, filter storage.UserFilter, after storage.UserCursor, limit int) []storage.User {
	var list []storage.User
	for _, u := range m.users {
		value, ok := filter.Compared(u)
		pass := filter.Attribute == "" || ok && value == filter.Value ||
			ok && filter.Match == storage.StartsWith && strings.HasPrefix(value, filter.Value)
		if u.PoolID == poolID && pass && (after == storage.UserCursor{} || compareCursors(filter.Cursor(u), after) > 0) {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b storage.User) int { return compareCursors(filter.Cursor(a), filter.Cursor(b)) })
	return list[:min(limit, len(list))]
}

func compareCursors(a, b storage.UserCursor) int {
	return cmp.Or(strings.Compare(a.Value, b.Value), strings.Compare(a.Sub, b.Sub))
}

func (m *model) clientsOf(poolID string) []string {
	var ids []string
	for _, c := range m.clients {
		if c.PoolID == poolID {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func (m *model) usersIn(poolID, group string) []string {
	var subs []string
	for k := range m.members {
		if k[0] == poolID && k[1] == group {
			subs = append(subs, k[2])
		}
	}
	slices.Sort(subs)
	return subs
}

func (m *model) groupsOf(poolID, sub string) []string {
	var names []string
	for k := range m.members {
		if k[0] == poolID && k[2] == sub {
			names = append(names, k[1])
		}
	}
	slices.Sort(names)
	return names
}

func (m *model) deleteUser(poolID, sub string) {
	delete(m.users, [2]string{poolID, sub})
	maps.DeleteFunc(m.members, func(k [3]string, _ bool) bool { return k[0] == poolID && k[2] == sub })
	m.deleteSessions(func(s storage.Session) bool { return s.PoolID == poolID && s.UserSub == sub })
}

func (m *model) deleteSessions(which func(storage.Session) bool) {
	maps.DeleteFunc(m.sessions, func(_ string, s storage.Session) bool { return which(s) })
}

func (m *model) deletePool(id string) {
	for k := range m.users {
		if k[0] == id {
			m.deleteUser(id, k[1])
		}
	}
	for _, c := range m.clientsOf(id) {
		m.deleteClient(c)
	}
	maps.DeleteFunc(m.groups, func(k [2]string, _ storage.Group) bool { return k[0] == id })
	delete(m.feeds, id)
	delete(m.pools, id)
}

func (m *model) deleteClient(id string) {
	delete(m.clients, id)
	m.deleteSessions(func(s storage.Session) bool { return s.ClientID == id })
}
