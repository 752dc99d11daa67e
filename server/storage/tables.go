package storage

import "time"

// Lists are in the order of their key, bytewise, and start after the key named
// `after` ("" for the beginning); at most limit entities come back, none when
// limit is not positive. A list of what does not exist is empty.
//
// Reading, updating or deleting one entity that does not exist is ErrNotFound
// where no other answer is written here; so is inserting one whose owner (the
// pool, the client, the user) does not exist. An Update replaces the whole
// entity; the pool that an entity belongs to never changes.

// Pools are the user pools.
type Pools interface {
	Insert(Pool) error // ErrExists
	Pool(id string) (Pool, error)
	Update(Pool) error
	// Delete removes the pool with all that belongs to it.
	Delete(id string) error
	List(after string, limit int) ([]Pool, error)
	// CountUsers counts a pool's users, up to most. It takes time in proportion.
	CountUsers(id string, most int) (int, error)
}

// Clients are the app clients.
type Clients interface {
	Insert(Client) error // ErrExists
	Client(id string) (Client, error)
	Update(Client) error
	// Delete removes the client with its sessions and its branding.
	Delete(id string) error
	List(poolID, after string, limit int) ([]Client, error)
}

// Domains are the host names of all pools.
type Domains interface {
	Insert(Domain) error // ErrExists
	Domain(name string) (Domain, error)
	Update(Domain) error
	Delete(name string) error
	// List gives a pool's domains by name.
	List(poolID string) ([]Domain, error)
}

// ResourceServers are the resource servers of all pools.
type ResourceServers interface {
	Insert(ResourceServer) error // ErrExists
	ResourceServer(poolID, identifier string) (ResourceServer, error)
	Update(ResourceServer) error
	Delete(poolID, identifier string) error
	// List goes by identifier.
	List(poolID, after string, limit int) ([]ResourceServer, error)
}

// IdentityProviders are the identity providers of all user pools.
type IdentityProviders interface {
	Insert(IdentityProvider) error // ErrExists
	IdentityProvider(poolID, name string) (IdentityProvider, error)
	Update(IdentityProvider) error
	Delete(poolID, name string) error
	// List goes by name.
	List(poolID, after string, limit int) ([]IdentityProvider, error)
}

// Brandings are the looks of the sign-in pages of all user pools.
type Brandings interface {
	// Branding is asked for exactly: with a client's id it does not give the pool's.
	Branding(poolID, clientID string) (Branding, error)
	// Put replaces it. The pool, and the client in it, must exist.
	Put(Branding) error
	// Delete is no error when there is none.
	Delete(poolID, clientID string) error
}

// Users are the users of all pools.
type Users interface {
	Insert(User) error // ErrExists, *LoginTakenError
	// Lookup finds a user by one canonical login.
	Lookup(poolID, login string) (User, error)
	BySub(poolID, sub string) (User, error)
	Update(User) error // by PoolID and Sub; *LoginTakenError
	// Delete removes the user with memberships, sessions, codes and former passwords.
	Delete(poolID, sub string) error
	// List goes by the value that a filter for a prefix compares, then by sub, and
	// by sub alone otherwise. It starts after a place that [UserFilter.Cursor] gave
	// for the same filter. It reads about as many users as it returns.
	List(poolID string, filter UserFilter, after UserCursor, limit int) ([]User, error)
}

// Groups are the groups of all pools.
type Groups interface {
	Insert(Group) error // ErrExists
	Group(poolID, name string) (Group, error)
	Update(Group) error
	Delete(poolID, name string) error
	List(poolID, after string, limit int) ([]Group, error)
}

// Members says who is in which group.
type Members interface {
	// Add and Remove change nothing when it is so already. Add demands that
	// both exist.
	Add(poolID, group, sub string) error
	Remove(poolID, group, sub string) error
	// GroupsOf lists a user's groups by name.
	GroupsOf(poolID, sub, after string, limit int) ([]Group, error)
	// UsersIn lists a group's users by sub.
	UsersIn(poolID, group, after string, limit int) ([]User, error)
}

// Sessions are the refresh families.
type Sessions interface {
	Insert(Session) error // ErrExists
	Session(id string) (Session, error)
	// Advance records a refresh in one conditional update: it raises RefreshedAt
	// to now and TokensEndAt to tokensEnd, unless they are later already, if the
	// session still has that generation and is neither revoked nor expired at now;
	// with rotate it also adds one to the generation and sets RotatedAt to now. It
	// reports whether the condition held, false also for a session that does not
	// exist. A session expires at ExpiresAt, not after it.
	Advance(id string, generation int64, rotate bool, now, tokensEnd time.Time) (bool, error)
	// Excess lists, if the user has more than most sessions, those beyond the keep
	// that were refreshed last, least recently refreshed first. It leaves out
	// sessions that are revoked, and those that are expired at now together with
	// their tokens. Listing takes time in proportion to the user's sessions, so that
	// keep should be less than most where most is large.
	Excess(poolID, sub string, most, keep int, now time.Time) ([]Session, error)
	// Revoke ends the selected sessions that are not revoked yet, and returns how
	// many.
	Revoke(ended Ended, now time.Time) (int, error)
	// Prune removes at most limit sessions that expired or were revoked before
	// and returns how many.
	Prune(before time.Time, limit int) (int, error)
}

// Revocations are the feed of sessions that ended, one for each pool.
type Revocations interface {
	// Append adds an entry for each of the selected sessions that is not revoked
	// yet and whose tokens expire less than n.Margin before n.At; Until is n.Margin
	// after that. Where a user then has more entries than n allows, an entry for
	// the user replaces them. Append belongs before the change that ends the
	// sessions, in the same transaction, and returns how many sessions it noted.
	//
	// A number is n.At's count of microseconds since 1970, or one more than the
	// pool's last number where that is larger: should the database be lost or put
	// back, numbers that followers have seen do not come again.
	Append(ended Ended, n Notice) (int, error)
	// Admit excepts a session, which is about to be added, from its user's entry
	// for a user if that covers tokens issued at the session's RefreshedAt. Then it
	// replaces the entry by a new one and reports true.
	Admit(s Session, at time.Time) (bool, error)
	// List goes by number and starts after that of an earlier entry.
	List(poolID string, after int64, limit int) ([]Revocation, error)
	// Bounds gives the highest number that was ever pruned and the highest
	// that was ever given out; 0 for none.
	Bounds(poolID string) (pruned, last int64, err error)
	// Prune removes at most limit entries whose Until lies before, and returns
	// how many.
	Prune(before time.Time, limit int) (int, error)
}

// IdentityPools are the identity pools.
type IdentityPools interface {
	Insert(IdentityPool) error // ErrExists
	Pool(id string) (IdentityPool, error)
	Update(IdentityPool) error
	// Delete removes the pool with its identities and keys.
	Delete(id string) error
	List(after string, limit int) ([]IdentityPool, error)
}

// Identities are the identities of all identity pools.
type Identities interface {
	Insert(Identity) error // ErrExists, *LoginLinkedError
	Identity(id string) (Identity, error)
	// Lookup finds the identity that has a login.
	Lookup(poolID string, login Login) (Identity, error)
	Update(Identity) error // *LoginLinkedError
	Delete(id string) error
	// List goes by id; with enabled it leaves out those that are disabled.
	List(poolID string, enabled bool, after string, limit int) ([]Identity, error)
}

// Guests are the enabled identities without logins.
type Guests interface {
	// Prune removes at most limit guests whose UsedAt, or CreatedAt where that is
	// zero, lies before, and returns how many.
	Prune(before time.Time, limit int) (int, error)
}

// Keys are the signing keys of both kinds of pools. A user pool and an identity
// pool never have the same id.
type Keys interface {
	Insert(Key) error // ErrExists
	Update(Key) error
	Delete(poolID, id string) error
	// List gives a pool's keys, oldest first.
	List(poolID string) ([]Key, error)
}

// Attempts are the counters of wrong passwords.
type Attempts interface {
	// Attempt gives the counter, or a zero one with that key.
	Attempt(key string) (Attempt, error)
	Put(Attempt) error
	Delete(key string) error // no error when there is none
	// Prune removes counters that were last touched before.
	Prune(before time.Time, limit int) (int, error)
}

// Codes are the codes that were sent to users.
type Codes interface {
	Code(poolID, sub, purpose string) (Code, error)
	// Put replaces the user's code for that purpose. The user must exist.
	Put(Code) error
	// Delete is no error when there is none.
	Delete(poolID, sub, purpose string) error
	// Prune removes at most limit codes that expired before and returns how many.
	Prune(before time.Time, limit int) (int, error)
}

// Properties are named values of the whole database, such as the ids of the
// master keys that it was sealed with. Names are constants of the program.
type Properties interface {
	Property(name string) ([]byte, error)
	// Put sets a property or replaces its value.
	Put(name string, value []byte) error
}

// PasswordHistory are the passwords that users had before.
type PasswordHistory interface {
	// Add keeps a former password of a user, who must exist, and removes all of the
	// user's but the latest by epoch: as many as most, so that 0 leaves none.
	Add(p FormerPassword, most int) error
	// List gives a user's former passwords, the latest first.
	List(poolID, sub string, limit int) ([]FormerPassword, error)
}

// Spent are ids that may be used once: challenges and codes, and those that are
// good until they end: sessions of browsers.
type Spent interface {
	// Spend marks id as used until that time, after which it may be forgotten.
	// It reports whether this was the first use.
	Spend(id string, until time.Time) (bool, error)
	// Used reports whether an id was used and has not been forgotten.
	Used(id string) (bool, error)
	Prune(before time.Time, limit int) (int, error)
}
