package session

import (
	"time"

	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// Held is a record together with what the store is known to hold of it.
type Held struct {
	Record store.Record
	// Stored is the generation in the store; 0 if the store holds none. It is less than
	// the record's while the record could not be stored.
	Stored uint64
	// storedAccess is the access token that the store still has then.
	storedAccess store.Secret
}

// stored is a record that the store holds as it is.
func stored(r store.Record) Held { return Held{Record: r, Stored: r.Generation} }

// unsaved reports whether the store does not hold the record yet.
func (h Held) unsaved() bool { return h.Stored < h.Record.Generation }

// State is what the client knows about the active session. It is made once and never
// changed, so that it is read without a lock.
type State struct {
	view  View
	epoch uint64 // of the Owner when this became the active session
	user  Held   // its record names no user while no user ever signed in
	// guest is the scope's guest, or the session of another provider in its place,
	// while no user of the user pool is signed in.
	guest  Held
	readAt time.Time // when the store was read

	tokens      expiry.Window
	credentials expiry.Window // zero without credentials
	// hasIdentity says that the identity pool can be asked for this session.
	hasIdentity bool
	// sessionFresh and credentialsFresh are what the hot paths go by.
	sessionFresh, credentialsFresh expiry.Window
}

// View is what the program is shown.
func (s *State) View() *View { return &s.view }

// known is what the program is shown before anything is renewed: a facet that has expired
// is an error. For the tokens that is cause, unless it is nil.
func (s *State) known(now time.Time, cause error) *View {
	tokensGone := s.view.tokensErr == nil && s.tokens.Left(now) <= 0
	credentialsGone := s.view.credentialsErr == nil && s.credentials.Left(now) <= 0
	if !tokensGone && !credentialsGone {
		return &s.view
	}
	v := s.view
	if tokensGone {
		if cause == nil {
			cause = fault.New("", fault.NotFetched, hintExpired)
		}
		v.tokens, v.tokensErr = Tokens{}, cause
	}
	if credentialsGone {
		v.credentials, v.credentialsErr = store.Credentials{}, fault.New("", fault.NotFetched, hintFetched)
	}
	return &v
}

// Record is the user's record.
func (s *State) Record() store.Record { return s.user.Record }

// Fresh reports whether all that the session shows can be handed out as it is.
func (s *State) Fresh(now time.Time) bool { return s.sessionFresh.Fresh(now) }

// CredentialsFresh is Fresh for the AWS credentials alone.
func (s *State) CredentialsFresh(now time.Time) bool { return s.credentialsFresh.Fresh(now) }

// TokensFresh is Fresh for the tokens alone.
func (s *State) TokensFresh(now time.Time) bool { return s.Live() && s.tokens.Fresh(now) }

// Live reports whether there is a user pool session.
func (s *State) Live() bool { return live(s.user.Record) }

func live(r store.Record) bool { return r.Tokens != nil && r.Ended == nil }

// expired reports whether the service has ended the session.
func (s *State) expired() bool {
	return s.user.Record.Ended != nil && s.user.Record.Ended.Reason != SignedOutReason
}

// login identifies the login, of the user pool or of another provider; it is empty if
// no login is there.
func (s *State) login() string {
	if s.Live() {
		return "user " + s.user.Record.Account.Username
	}
	if f := s.guest.Record.Federation; f != nil && s.hasIdentity {
		return "provider " + f.Provider + " " + f.Subject
	}
	return ""
}

// holder is the record that the identity pool's facets belong to.
func (s *State) holder() *Held {
	if s.Live() {
		return &s.user
	}
	return &s.guest
}

// of returns what the state holds for an account.
func (s *State) of(account store.Account) (*Held, bool) {
	switch {
	case s == nil:
		return nil, false
	case s.user.Record.Account == account && account.Username != "":
		return &s.user, true
	case !s.Live() && s.guest.Record.Account == account && account.Username == "":
		return &s.guest, true
	}
	return nil, false
}

// newerThan reports whether the state holds a later generation of a record's account,
// or the same: a change that could not be stored yet.
func (s *State) newerThan(r store.Record) bool {
	return s.user.Record.Account == r.Account && s.user.Record.Generation >= r.Generation
}

// need is what a request means for tokens or credentials at some moment.
type need uint8

const (
	needNothing need = iota // hand them out
	needSoon                // hand them out, and renew in the background
	needNow                 // renew first
)

// minimumShare bounds a requested validity: it counts up to nine tenths of a life.
const minimumShare = 10

// needOf says what has to happen before something can be handed out. What is due is
// usable until it expires, so that a caller waits only if it has expired, or if the
// caller asks for more.
func needOf(w *expiry.Window, now time.Time, force bool, minimum time.Duration) need {
	if force {
		return needNow
	}
	left := w.Left(now)
	least := min(minimum, w.Life-w.Life/minimumShare)
	switch {
	case left <= 0 || left < least:
		return needNow
	case !w.Fresh(now):
		return needSoon
	}
	return needNothing
}

// needTokens says what has to happen before the tokens can be handed out.
func (s *State) needTokens(now time.Time, want Want) need {
	return needOf(&s.tokens, now, want.Force, want.MinTokens)
}

// needCredentials says what has to happen before the identity pool's facets can be
// handed out.
func (s *State) needCredentials(now time.Time, want Want) need {
	if !s.hasIdentity {
		return needNothing
	}
	return needOf(&s.credentials, now, want.Force, want.MinCredentials)
}

// CredentialsLeft is how long the AWS credentials remain usable; zero or less without
// any.
func (s *State) CredentialsLeft(now time.Time) time.Duration { return s.credentials.Left(now) }
