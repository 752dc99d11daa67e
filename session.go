package latchkey

import (
	"time"

	"github.com/latchkey-auth/latchkey/internal/session"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// Session is what is known of the signed-in user at one moment. It never
// changes, so that it may be kept and shared; ask [Client.FetchSession] for the
// next one, which costs next to nothing.
//
// Each facet is a value or an error, independent of the others: an identity pool that is down
// does not hide good tokens, and being offline does not hide who is signed in. The facets
// of a nil or zero Session are ErrSignedOut.
type Session session.View

// view is what the engine knows as a session.
func (s *Session) view() *session.View {
	if s == nil {
		return &session.View{}
	}
	return (*session.View)(s)
}

// Tokens are the user pool's tokens, read but not verified: they came from the
// service itself, over TLS. Do not change what the pointers point to.
type Tokens struct {
	Access *jwt.Unverified
	ID     *jwt.Unverified // nil when the service issued none, as without the scope openid
	// Expiry is when the first of the two expires, on this machine's clock. It
	// differs from the exp claim when this clock and the service's do.
	Expiry time.Time
	// Refreshable says that the session has a refresh token: it can outlast Expiry.
	Refreshable bool
}

// Credentials are temporary AWS credentials of the identity pool.
type Credentials = store.Credentials

// SignedIn reports whether there is a live user pool session. It stays true while
// tokens cannot be refreshed for lack of a network. For a session of another
// provider, which has no user pool, see [Session.Provider].
func (s *Session) SignedIn() bool { return s.view().SignedIn() }

// Provider names the provider whose token was given to [Client.Federate]; it is
// empty for users of the user pool, for guests and while no user is signed in.
func (s *Session) Provider() string { return s.view().Provider() }

// Username returns the pool's name for the user; it is empty if no user is signed in.
func (s *Session) Username() string { return s.view().Username() }

// UserSub returns the user's unchanging id, the sub claim. Errors:
// ErrSignedOut, ErrSessionExpired, ErrNoUserPoolSession.
func (s *Session) UserSub() (string, error) {
	sub, err := s.view().UserSub()
	return sub, asError(s.view().Op(), err)
}

// Tokens returns the tokens. Those that a [Session] holds had not expired when
// it was handed out. Errors: ErrSignedOut, ErrSessionExpired,
// ErrNeedsSignIn, and whatever kept a refresh from succeeding, such as ErrNetwork.
func (s *Session) Tokens() (Tokens, error) {
	tokens, err := s.view().Tokens()
	return Tokens(tokens), asError(s.view().Op(), err)
}

// IdentityID returns the identity pool's id of the user or guest, the last known
// one while the pool cannot be asked. Errors: ErrNoIdentityPool,
// ErrGuestsDisabled, ErrSessionExpired, ErrNotFetched, and whatever kept the pool
// from answering, such as ErrNetwork.
func (s *Session) IdentityID() (string, error) {
	id, err := s.view().IdentityID()
	return id, asError(s.view().Op(), err)
}

// Credentials returns AWS credentials of the user or guest. Those that a
// [Session] holds had not expired when it was handed out; Expiration is when they
// do, on this machine's clock. Errors: as those of [Session.IdentityID], and
// ErrNeedsSignIn for a session of another provider.
func (s *Session) Credentials() (Credentials, error) {
	credentials, err := s.view().Credentials()
	return credentials, asError(s.view().Op(), err)
}

// ClockDrift is the service's clock minus this machine's, as measured when the
// session's latest tokens arrived; 0 if none ever did. It is off by at most one
// second plus half of the duration of the call, since the service's times have whole
// seconds, and is limited to a day in either direction: 24 hours mean that much or more.
// Token expiry accounts for it already; it is for a message to a user whose clock is wrong.
func (s *Session) ClockDrift() time.Duration { return s.view().ClockDrift() }

// FetchOption changes one call of [Client.FetchSession].
type FetchOption struct{ apply func(*session.Want) }

// ForceRefresh asks for new tokens and new AWS credentials though the old ones
// are still good, for instance after the user's groups changed. It joins a
// refresh that is under way, and tries even during the pause that follows a
// failure, unless the service itself asked for that pause (Retry-After). If the
// refresh fails, the Tokens facet is its error, and the tokens that were there
// stay for the next call; so it is with the Credentials facet.
func ForceRefresh() FetchOption { return FetchOption{func(w *session.Want) { w.Force = true }} }

// MinValidity asks for tokens and AWS credentials that last for at least d, for a
// caller who is going to use them for a while. More than nine tenths of what the
// service issues counts as nine tenths.
func MinValidity(d time.Duration) FetchOption {
	return FetchOption{func(w *session.Want) { w.MinTokens, w.MinCredentials = max(w.MinTokens, d), max(w.MinCredentials, d) }}
}

// wantOf combines options.
func wantOf(options []FetchOption) session.Want {
	var all session.Want
	for _, o := range options {
		if o.apply != nil {
			o.apply(&all)
		}
	}
	return all
}
