package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// names sort bytewise, which is neither by length nor by any language's rules.
var names = []string{
	"\x01", " ", "%", "' OR 1=1 --", "10", "9", "A", "Z", "_", "a", "aa", "ab", "b", "é", "ß", "日本", "\U0001f511",
}

// testPaging reads every list in pages of each size.
func testPaging(t *testing.T, db storage.Store) {
	seed(t, db)
	shuffled := slices.Concat(names[5:], names[:5])
	update(t, db, func(tx storage.Tx) error {
		var errs []error
		for _, name := range shuffled {
			errs = append(errs,
				tx.Pools.Insert(pool(name)), tx.Clients.Insert(client(poolA, name)),
				tx.Users.Insert(user(poolA, name, name)), tx.Groups.Insert(group(poolA, name)),
				tx.Groups.Insert(group(poolB, name)), tx.Members.Add(poolB, name, subB),
			)
		}
		for _, name := range shuffled {
			errs = append(errs, tx.Members.Add(poolA, "A", name))
		}
		return errors.Join(errs...)
	})
	with := func(extra ...string) []string {
		all := append(slices.Clone(names), extra...)
		slices.Sort(all)
		return all
	}
	for _, list := range []struct {
		name string
		want []string
		page func(tx storage.Tx, after string, limit int) ([]string, error)
	}{
		{"Pools", with(poolA, poolB), func(tx storage.Tx, after string, limit int) ([]string, error) {
			list, err := tx.Pools.List(after, limit)
			return keysOf(list, func(p storage.Pool) string { return p.ID }), err
		}},
		{"Clients", with(clientA), func(tx storage.Tx, after string, limit int) ([]string, error) {
			list, err := tx.Clients.List(poolA, after, limit)
			return keysOf(list, func(c storage.Client) string { return c.ID }), err
		}},
		{"Users", with(subA), func(tx storage.Tx, after string, limit int) ([]string, error) {
			list, err := tx.Users.List(poolA, storage.UserFilter{}, storage.UserCursor{Sub: after}, limit)
			return keysOf(list, func(u storage.User) string { return u.Sub }), err
		}},
		{"Groups", with(), func(tx storage.Tx, after string, limit int) ([]string, error) {
			list, err := tx.Groups.List(poolA, after, limit)
			return keysOf(list, func(g storage.Group) string { return g.Name }), err
		}},
		{"UsersIn", with(), func(tx storage.Tx, after string, limit int) ([]string, error) {
			list, err := tx.Members.UsersIn(poolA, "A", after, limit)
			return keysOf(list, func(u storage.User) string { return u.Sub }), err
		}},
		{"GroupsOf", with(), func(tx storage.Tx, after string, limit int) ([]string, error) {
			list, err := tx.Members.GroupsOf(poolB, subB, after, limit)
			return keysOf(list, func(g storage.Group) string { return g.Name }), err
		}},
		{"NoSuchPool", nil, func(tx storage.Tx, after string, limit int) ([]string, error) {
			list, err := tx.Groups.List("' OR 1=1 --", after, limit)
			return keysOf(list, func(g storage.Group) string { return g.Name }), err
		}},
	} {
		for _, limit := range []int{1, 2, 7, 100} {
			view(t, db, func(tx storage.Tx) error {
				got, err := pages(tx, limit, list.page)
				return errors.Join(err, same(fmt.Sprintf("%s in pages of %d", list.name, limit), got, list.want))
			})
		}
		for _, limit := range []int{0, -1} {
			view(t, db, func(tx storage.Tx) error {
				got, err := list.page(tx, "", limit)
				return errors.Join(err, same(fmt.Sprintf("%s limited to %d", list.name, limit), got, []string{}))
			})
		}
	}
}

// testUserPaging reads filtered lists of users in pages of each size. The users'
// names are in the reverse order of their subs.
func testUserPaging(t *testing.T, db storage.Store) {
	update(t, db, func(tx storage.Tx) error {
		err := errors.Join(tx.Pools.Insert(pool(poolA)), tx.Pools.Insert(pool(poolB)))
		for i, name := range slices.Concat(names[5:], names[:5]) {
			u := user(poolA, name, fmt.Sprintf("user%02d", len(names)-slices.Index(names, name)))
			u.Enabled, u.Status = i%2 == 0, []string{"CONFIRMED", "CONFIRMED_TOO", "OTHER"}[i%3]
			u.Attributes["name"] = names[i/3]
			err = errors.Join(err, tx.Users.Insert(u), tx.Users.Insert(user(poolB, name, u.Username)))
		}
		return err
	})
	for _, attribute := range []string{"username", "sub", "status", "cognito:user_status", "email", "name", "custom:team"} {
		for _, match := range []storage.Match{storage.Equals, storage.StartsWith} {
			for _, value := range []string{"", "user0", "user03", "D", "Enabled", "CONFIRMED", "a", "user07@example.com", "blue", "é", "9"} {
				filter := storage.UserFilter{Attribute: attribute, Match: match, Value: value}
				var want []storage.User
				view(t, db, func(tx storage.Tx) error {
					all, err := tx.Users.List(poolA, storage.UserFilter{}, storage.UserCursor{}, 100)
					for _, u := range all {
						got, ok := filter.Compared(u)
						if ok && (got == value || match == storage.StartsWith && strings.HasPrefix(got, value)) {
							want = append(want, u)
						}
					}
					slices.SortFunc(want, func(a, b storage.User) int { return compareCursors(filter.Cursor(a), filter.Cursor(b)) })
					return err
				})
				for _, limit := range []int{1, 3, 100} {
					view(t, db, func(tx storage.Tx) error {
						got, err := userPages(tx, filter, limit)
						return errors.Join(err, same(fmt.Sprintf("%+v in pages of %d", filter, limit), keysOf(got, subOf), keysOf(want, subOf)))
					})
				}
			}
		}
	}
}

func subOf(u storage.User) string { return u.Sub }

func userPages(tx storage.Tx, filter storage.UserFilter, limit int) (all []storage.User, err error) {
	var after storage.UserCursor
	for {
		page, err := tx.Users.List(poolA, filter, after, limit)
		if err != nil || len(page) == 0 || len(page) > limit || len(all) > 100 {
			return all, errors.Join(err, same("length of a page", min(len(page), limit), len(page)))
		}
		all = append(all, page...)
		after = filter.Cursor(page[len(page)-1])
	}
}

func keysOf[E any](list []E, key func(E) string) []string {
	var keys []string
	for _, e := range list {
		keys = append(keys, key(e))
	}
	return keys
}

func pages(tx storage.Tx, limit int, page func(storage.Tx, string, int) ([]string, error)) ([]string, error) {
	var all []string
	after := ""
	for {
		got, err := page(tx, after, limit)
		if err != nil || len(got) > limit {
			return all, errors.Join(err, same("length of a page", min(len(got), limit+1), limit))
		}
		if len(got) == 0 {
			return all, nil
		}
		all = append(all, got...)
		after = got[len(got)-1]
	}
}
