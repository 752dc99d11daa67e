package storage

import "time"

// All times are UTC and kept to the microsecond (the rest is cut off); the zero
// Time stands for "never". Strings are valid UTF-8; a backend may refuse others.
// Nil and empty bytes, lists and maps are one and the same. Entities are copied
// on the way in and on the way out: a caller may change what it holds.

// Pool is a user pool.
type Pool struct {
	ID         string // "us-east-1_" and nine alphanumerics
	Name       string
	Settings   []byte // the owner's encoding
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// Client is an app client of a user pool. Client ids are unique over all pools.
type Client struct {
	ID         string
	PoolID     string
	Name       string
	Secret     []byte // sealed; empty for a public client
	Settings   []byte // the owner's encoding
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// User is a user of a pool.
type User struct {
	PoolID   string
	Sub      string // never changes, never used again
	Username string // as created
	// Logins are the canonical names the user signs in with, each unique in
	// the pool: first the username's, then those of the aliases.
	Logins         []string
	Status         string // Cognito's UserStatus
	Enabled        bool
	Attributes     map[string]string
	Salt           []byte // of the SRP verifier; empty while there is no password
	Verifier       []byte // sealed
	PasswordEpoch  int64  // grows with each change of password
	TemporaryUntil time.Time
	// SignOuts counts global sign-outs; a session of an earlier count is over.
	SignOuts   int64
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// Group is a group of a user pool.
type Group struct {
	PoolID      string
	Name        string
	Description string
	RoleARN     string
	Precedence  *int32 // nil: none, ranks last
	CreatedAt   time.Time
	ModifiedAt  time.Time
}

// Session is one sign-in with all its refreshes: a family of refresh tokens.
// The tokens are derived from ID and Generation and are not stored.
type Session struct {
	ID          string // UUID
	PoolID      string
	ClientID    string
	UserSub     string
	OriginJTI   string // the origin_jti claim, the same in every token of the session
	DeviceKey   string
	Scope       string    // scope claim of the access tokens
	Provider    string    // the identity provider at which the user signed in; "" is the pool itself
	UserEpoch   int64     // User.SignOuts at sign-in
	Generation  int64     // of the newest refresh token
	CreatedAt   time.Time // when the user signed in: the auth_time claim
	RefreshedAt time.Time // when its newest tokens were issued, with or without rotation
	RotatedAt   time.Time // when Generation was reached
	TokensEndAt time.Time // when the last of its access and ID tokens expires
	ExpiresAt   time.Time
	RevokedAt   time.Time
}

// Domain is a host name of a user pool's sign-in: a prefix, or a whole name.
// Names are unique over all pools.
type Domain struct {
	Name       string
	PoolID     string
	Settings   []byte // the owner's encoding
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// ResourceServer is an API whose scopes a user pool hands out.
type ResourceServer struct {
	PoolID     string
	Identifier string // the part of a scope before its last slash
	Name       string
	Settings   []byte // the owner's encoding
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// IdentityProvider is another provider whose users sign in to a user pool.
type IdentityProvider struct {
	PoolID     string
	Name       string // unique in the pool
	Settings   []byte // the owner's encoding
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// Branding is the look of a user pool's sign-in pages.
type Branding struct {
	PoolID     string
	ClientID   string // of the client; "" for clients without a Branding
	Settings   []byte // the owner's encoding
	Logo       []byte // an image; empty for none
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// Revocation is an entry of a pool's feed of revocations. It covers one session
// or, in an entry for a user, many sessions of that user.
type Revocation struct {
	// Seq is the entry's place in its pool's feed. It only grows.
	Seq     int64
	PoolID  string
	UserSub string
	At      time.Time // when the entry was added
	Until   time.Time // the tokens that it covers have expired by then

	// Of an entry for one session.
	SessionID string
	OriginJTI string
	IssuedAt  time.Time // when the session's newest tokens were issued

	// Of an entry for a user, which has a Before: all sessions of the user have
	// ended as far as their tokens were issued before that time, a whole second,
	// except the sessions in Except. The entry replaces the entries of the sessions
	// in Replaced, and the user's entry for a user from before. A user has at most
	// one.
	Before   time.Time
	Except   []string // ids of sessions, in order
	Replaced []string // ids of sessions, in order
}

// Notice says how [Revocations] adds entries.
type Notice struct {
	At time.Time
	// Margin is how long an entry lasts after the tokens that it covers have expired.
	Margin time.Duration
	// PerUser is how many entries of sessions, beyond a quarter of the sessions
	// that their own entry excepts, a user may have. More are replaced by one entry
	// for the user; those whose tokens were issued less than Settle ago stay.
	PerUser int
	Settle  time.Duration
}

// Most is how many settled entries a user may have whose entry for a user
// excepts this many sessions. Without the second term a user with many sessions
// could cause a long entry with few short ones.
func (n Notice) Most(excepted int) int { return n.PerUser + excepted/4 }

// Before is the Before of an entry for a user that is added now, unless the user
// has one with a later Before.
func (n Notice) Before() time.Time { return n.At.Add(-n.Settle).UTC().Truncate(time.Second) }

// Ended selects sessions by any of its fields that are not empty. Without
// SessionID, UserSub, ClientID and Provider it selects none.
type Ended struct {
	PoolID    string // required
	SessionID string
	UserSub   string
	ClientID  string
	Except    string // the id of a session that goes on
	Provider  string // sessions of users who signed in at this identity provider
}

// IdentityPool is an identity pool.
type IdentityPool struct {
	ID         string // "us-east-1:" and a UUID
	Name       string
	Settings   []byte // the owner's encoding
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// Identity is an identity of an identity pool. Ids are unique over all pools.
type Identity struct {
	ID     string // "us-east-1:" and a UUID, never used again
	PoolID string
	// Logins are who has it, in the order in which they were linked; none for a
	// guest. Each is unique in the pool.
	Logins []Login
	// Disabled means that the identity is no longer used: it was merged into the identity
	// MergedInto, or lost its last login (MergedInto is "").
	Disabled   bool
	MergedInto string
	UsedAt     time.Time // of a guest: about when it was last used; zero for never noted
	CreatedAt  time.Time
	ModifiedAt time.Time
}

// Login is a user of a login provider.
type Login struct {
	Provider string // the provider's name, in the owner's form
	Subject  string // the user's id there
}

// Key is a signing key of a pool.
type Key struct {
	PoolID    string // of a user pool or an identity pool
	ID        string // the kid
	Use       string // "access" or "id"
	Public    []byte // PKIX DER
	Private   []byte // PKCS #8 DER, sealed
	CreatedAt time.Time
	ActiveAt  time.Time // signs from then on
	RetireAt  time.Time // leaves the JWKS then; zero while it is the newest
}

// Attempt counts wrong passwords of one user name.
type Attempt struct {
	Key         string
	Failures    int
	LastAt      time.Time
	LockedUntil time.Time
}

// Code is a code that was sent to a user and is good for one use. A user has at
// most one for each purpose.
type Code struct {
	PoolID    string
	UserSub   string
	Purpose   string // what it is good for, in the owner's words
	Hash      []byte // never the code itself; empty when no answer is right
	Address   string // where it was sent: an e-mail address or a phone number
	Tries     int    // wrong answers so far
	CreatedAt time.Time
	ExpiresAt time.Time
}

// FormerPassword is a password that a user had before.
type FormerPassword struct {
	PoolID   string
	UserSub  string
	Epoch    int64 // the user's PasswordEpoch at that time
	Salt     []byte
	Verifier []byte // sealed
}

// Match is how a user filter compares.
type Match int

// The two comparisons of Cognito's ListUsers filter.
const (
	Equals     Match = iota // attr = "value"
	StartsWith              // attr ^= "value"
)

// UserCursor is a place in a list of users: behind the user with that sub, whose
// value that the list's filter compares is Value. The zero cursor is the beginning.
type UserCursor struct {
	Value string // "" where the filter is empty or compares for equality
	Sub   string
}

// UserFilter narrows a list of users. Attribute is an attribute's name or one
// of "username", "cognito:user_status", "status" ("Enabled" or "Disabled") and "sub".
// The zero filter lets everyone pass.
type UserFilter struct {
	Attribute string
	Match     Match
	Value     string
}

// Cursor is the place behind a user of the list.
func (f UserFilter) Cursor(u User) UserCursor {
	c := UserCursor{Sub: u.Sub}
	if f.Attribute != "" && f.Match == StartsWith {
		c.Value, _ = f.Compared(u)
	}
	return c
}

// Compared is the user's value that the filter compares; false means that the
// user does not have the attribute.
func (f UserFilter) Compared(u User) (string, bool) {
	switch f.Attribute {
	case "username":
		return u.Username, true
	case "cognito:user_status":
		return u.Status, true
	case "sub":
		return u.Sub, true
	case "status":
		if u.Enabled {
			return "Enabled", true
		}
		return "Disabled", true
	}
	value, ok := u.Attributes[f.Attribute]
	return value, ok
}
