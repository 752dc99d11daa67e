package session

import (
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// View is what a State shows to the program: facets that are values or errors, each
// on its own. Errors are faults. A View is never changed once it was handed out.
type View struct {
	op          string // the call that returned it, if not FetchSession
	signedIn    bool
	username    string
	provider    string
	sub         string
	tokens      Tokens
	identityID  string
	credentials store.Credentials
	drift       time.Duration

	subErr, tokensErr, identityErr, credentialsErr error
}

// Tokens are the user pool's tokens, decoded.
type Tokens struct {
	Access *jwt.Unverified
	ID     *jwt.Unverified // nil if the service issued none
	Expiry time.Time       // of the first of the two, on this machine's clock
	// Refreshable says that the session has a refresh token.
	Refreshable bool
}

// Of is the View as another call than FetchSession returns it; nil stays nil.
func (v *View) Of(op string) *View {
	if v == nil {
		return nil
	}
	of := *v
	of.op = op
	return &of
}

// Op is the call that returned the View, for errors of its facets.
func (v *View) Op() string {
	if v.op == "" {
		return "FetchSession"
	}
	return v.op
}

// SignedIn reports whether there is a live user pool session.
func (v *View) SignedIn() bool { return v.signedIn }

// Username is the pool's name for the user; empty if no user is signed in.
func (v *View) Username() string { return v.username }

// Provider names the provider of a federated session; empty for all others.
func (v *View) Provider() string { return v.provider }

// UserSub is the user's sub claim.
func (v *View) UserSub() (string, error) { return v.sub, orEmpty(v.subErr, v.sub == "") }

// Tokens are the tokens.
func (v *View) Tokens() (Tokens, error) {
	return v.tokens, orEmpty(v.tokensErr, v.tokens.Access == nil)
}

// IdentityID is the identity pool's id of the user or guest.
func (v *View) IdentityID() (string, error) {
	return v.identityID, orEmpty(v.identityErr, v.identityID == "")
}

// Credentials are AWS credentials of the user or guest.
func (v *View) Credentials() (store.Credentials, error) {
	return v.credentials, orEmpty(v.credentialsErr, v.credentials.AccessKeyID == "")
}

// errEmpty is the error of every facet of the zero View.
var errEmpty = fault.New("", fault.SignedOut, "use the session that FetchSession returns, not a zero Session")

// orEmpty is the error of a facet, which has one if it has no value.
func orEmpty(err error, noValue bool) error {
	if err == nil && noValue {
		return errEmpty
	}
	return err
}

// ClockDrift is the service's clock minus this machine's.
func (v *View) ClockDrift() time.Duration { return v.drift }
