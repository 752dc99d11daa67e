package store

import (
	"slices"
	"time"
)

// Schema is the version of [Record] that this package writes. It reads all
// earlier ones.
const Schema = 4

const (
	// MaxPending bounds [Record.Pending]. Encode refuses a longer list.
	MaxPending = 16
	// MaxIdentities bounds [Record.Identities]. Encode refuses a longer list.
	MaxIdentities = 8
	// MaxText bounds [Scope.Service], [Record.Issuer] and each text of an
	// [Identity] but its credentials, in bytes. Encode refuses a longer one.
	MaxText = 2048
)

// Record is a session as it is kept.
type Record struct {
	// Generation grows with every change; compare-and-swap goes by it. The first
	// is greater than 0; for a record that is made again after it was deleted it
	// should be one that the record before cannot have had.
	Generation uint64
	Account    Account
	// Issuer is the iss claim of the tokens of the service that the record is bound
	// to. It is empty in records of earlier schemas, which are bound at the next
	// success.
	Issuer string
	Sub    string // the user's id, of the sub claim
	SignIn *SignIn
	Tokens *Tokens
	// Drift is the service's clock minus ours, measured when tokens arrived.
	Drift  time.Duration
	Device *Device
	// Identities are this account's identities in identity pools, the least recently
	// set first: the user's, the guest's, or those of a session of another provider.
	// Read and change them with IdentityAt and SetIdentity.
	Identities []Identity
	// Federation says which provider's session it is; nil unless the identity
	// pool was given another provider's token. It stands in the record of the
	// scope's guest, whose place such a session takes.
	Federation *Federation
	// Redirect says that the user signed in at the sign-in pages; nil otherwise. It
	// outlives a sign-out that could not end the browser's own session there.
	Redirect *Redirect
	// Ended says why there is no session any more; nil while there is one.
	Ended *Ended
	// Pending are refresh tokens that are no longer used and that the service has
	// not revoked yet, because it was not reached; the oldest is first.
	Pending []Revocation
	// SavedAt is our clock when the record was made.
	SavedAt time.Time
}

// SignIn says how the user signed in. A sign-in by redirect has none.
type SignIn struct {
	LoginID string // what the user typed
	Flow    string // Cognito's AuthFlow, such as USER_SRP_AUTH
}

// Tokens are the user pool tokens. ID may be empty; Refresh is empty when the
// session cannot be refreshed.
type Tokens struct {
	ID         Secret
	Access     Secret
	Refresh    Secret
	ReceivedAt time.Time // our clock
	// Former is the refresh token before Refresh, after an answer that brought Refresh and
	// was refused otherwise. It is tried if Refresh is refused, and dropped by the next
	// success. Empty otherwise.
	Former Secret
	// DeviceRefused says that the service does not accept Refresh from this device. It is
	// not sent again; the user has to sign in.
	DeviceRefused bool
}

// Device is what the service calls a remembered device.
type Device struct {
	Key      string
	GroupKey string
	Password Secret
}

// Credentials are temporary AWS credentials of the identity pool.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey Secret
	SessionToken    Secret
	Expiration      time.Time // on this machine's clock
	ReceivedAt      time.Time // our clock; zero in records of earlier schemas
}

// Federation is where a session comes from that has no user pool.
type Federation struct {
	Provider   string // the name of the login, such as accounts.google.com
	Subject    string // the token's sub claim; empty where the token has none that can be read
	IdentityID string // the identity that the application named; empty if the pool chose it
}

// Redirect says how the user signed in at the sign-in pages.
type Redirect struct {
	URI     string // where the browser came back to; empty if that is not known
	Browser bool   // it is a browser of this machine, which the program opened itself
}

// Ended says why and when a session ended.
type Ended struct {
	Reason string // "signed-out", or the exception that ended the session
	Detail string // the service's text, without secrets
	At     time.Time
}

// Revocation is a refresh token that is still to be revoked. It is no part of
// the session: an account with revocations pending may be signed out.
type Revocation struct {
	Token Secret
	Since time.Time // when it was to be revoked first, by our clock
}

// Live reports whether the record is a session: a user's tokens or the session of
// another provider, not ended. A guest's record is no session.
func (r Record) Live() bool {
	return r.Ended == nil && (r.Tokens != nil || r.Federation != nil)
}

// Clone returns a copy that shares nothing changeable with r.
func (r Record) Clone() Record {
	r.SignIn = clone(r.SignIn)
	r.Tokens = clone(r.Tokens)
	r.Device = clone(r.Device)
	r.Identities = cloneIdentities(r.Identities)
	r.Federation = clone(r.Federation)
	r.Redirect = clone(r.Redirect)
	r.Ended = clone(r.Ended)
	r.Pending = slices.Clone(r.Pending)
	return r
}

func clone[T any](value *T) *T {
	if value == nil {
		return nil
	}
	copied := *value
	return &copied
}
