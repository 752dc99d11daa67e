package sqlite

import (
	"github.com/latchkey-auth/latchkey/server/storage"
)

// A cache keeps rows that were read lately, on one shelf for each kind of row. It is
// never wrong, because of three numbers. Each commit makes a new version of the
// database. A shelf knows the version it is at, and for each row the version since
// which the row has been as it is. A transaction at version v may use a row when
// since <= v <= shelf's version, and may add one only when v is the shelf's
// version. A commit removes what it changed before the shelf moves on.
//
// A View that begins while a commit is under way sees the version before or the
// one after, and cannot tell which ([span]). To it a row is good that is the same in
// both: each shelf learns what a commit changes before the commit begins.
//
// Rows are never changed once they are on a shelf; the code that hands one out clones it.
//
// Each shelf is made by addShelf, which lists it: the methods below go through that
// list. A field that newCache does not add is nil, and its first use panics.
type cache struct {
	limit   int // rows in each half of a shelf
	shelves []versioned

	pools    *shelf[string, *storage.Pool]
	clients  *shelf[string, *storage.Client]
	users    *shelf[userKey, *storage.User]
	logins   *shelf[loginKey, string] // subs
	sessions *shelf[string, *storage.Session]
	belongs  *shelf[userKey, membership]

	identityPools  *shelf[string, *storage.IdentityPool]
	identities     *shelf[string, *storage.Identity]
	identityLogins *shelf[identityLogin, string] // ids
}

// versioned is the part of a shelf that follows the writer's batches, whatever the
// shelf's rows are. Only the writer calls it.
type versioned interface {
	announce() // a commit begins
	publish()  // it ended: the next version
	discard()  // the batch committed nothing
	forget()   // the batch may have changed any row
	unstage()  // a closure of the batch was undone
}

// membership is the beginning of a user's list of groups: all of it in nearly
// every case.
type membership struct {
	groups   []storage.Group
	complete bool
}

// maxMembership is how many groups of a user the cache holds; Cognito allows 100.
const maxMembership = 128

type userKey struct{ poolID, sub string }

type loginKey struct{ poolID, login string }

type identityLogin struct {
	poolID string
	login  storage.Login
}

func newCache(rows int) *cache {
	c := &cache{limit: rows}
	addShelf(c, &c.pools)
	addShelf(c, &c.clients)
	addShelf(c, &c.users)
	addShelf(c, &c.logins)
	addShelf(c, &c.sessions)
	addShelf(c, &c.belongs)
	addShelf(c, &c.identityPools)
	addShelf(c, &c.identities)
	addShelf(c, &c.identityLogins)
	return c
}

// addShelf makes a shelf of the cache and lists it.
func addShelf[K comparable, V any](c *cache, at **shelf[K, V]) {
	s := &shelf[K, V]{limit: c.limit}
	*at = s
	c.shelves = append(c.shelves, s)
}

// announce passes what the commit that begins now changes to every shelf. Only the
// writer calls it; publish follows.
func (c *cache) announce() {
	for _, s := range c.shelves {
		s.announce()
	}
}

// publish moves every shelf to the next version. Only the writer calls it.
func (c *cache) publish() {
	for _, s := range c.shelves {
		s.publish()
	}
}

// discard drops the marks of a batch that committed nothing.
func (c *cache) discard() {
	for _, s := range c.shelves {
		s.discard()
	}
}

// forget marks everything as changed by the running batch.
func (c *cache) forget() {
	for _, s := range c.shelves {
		s.forget()
	}
}

// unstage drops what rows were to become: a closure of the batch was undone.
func (c *cache) unstage() {
	for _, s := range c.shelves {
		s.unstage()
	}
}
