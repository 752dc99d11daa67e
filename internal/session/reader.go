package session

import (
	"time"

	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// Hints of facets.
const (
	hintSignIn  = "sign in, then call again"
	hintGrant   = "sign in again; the implicit grant brings no refresh token: use the code grant"
	hintGuests  = "sign in, or allow guests in the identity pool and in Config.AllowGuests"
	hintExpired = "they have expired; call FetchSession or FetchTokens, which refresh them"
	hintFetched = "call FetchSession or FetchCredentials, which ask the identity pool"
)

// recheck is how old a signed-out state may get before the store is read again:
// another process may have signed in.
const recheck = time.Second

// reader makes States of records. It is stateless.
type reader struct {
	ahead  time.Duration // how long before their end tokens and credentials are due; 0 is the default
	scope  store.Scope
	pool   string // the identity pool's id; empty without one
	origin string // where the identity pool is called
	guests bool   // guests may ask it
	// formerIssuer reports whether an issuer is the service's at a former address; may be nil.
	formerIssuer func(issuer string) bool
}

// guestAccount is the account of a user who is not signed in.
func (r reader) guestAccount() store.Account { return store.Account{Scope: r.scope} }

// credentialsLock is the account whose lock a renewal of AWS credentials holds: the same
// username in a scope of the identity pool's, so that tokens never wait for it.
func (r reader) credentialsLock(account store.Account) store.Account {
	account.Scope = store.Scope{Service: r.origin, PoolID: r.pool, ClientID: account.ClientID}
	return account
}

// identity is what the identity pool gave to a record's account.
func (r reader) identity(record store.Record) store.Identity {
	return record.IdentityAt(r.pool, r.origin, "")
}

// state reads a record. now is when it was read; fresh is the window of tokens that
// were received just now, nil for those of a store.
func (r reader) state(h Held, now time.Time, fresh *expiry.Window) *State {
	s := &State{user: h, readAt: now}
	record := h.Record
	s.view.username, s.view.sub, s.view.drift = record.Account.Username, record.Sub, record.Drift
	switch {
	case s.Live():
		r.readTokens(s, now, fresh)
	case s.expired():
		ended := endedFault(record.Ended)
		s.view = View{drift: record.Drift, subErr: ended, tokensErr: ended}
	default:
		out := fault.New("", fault.SignedOut, hintSignIn)
		s.view = View{drift: record.Drift, subErr: out, tokensErr: out}
		s.guest = Held{Record: store.Record{Account: r.guestAccount()}}
	}
	r.readIdentity(s, now, nil)
	return s
}

// signedOut is the state of a scope in which no user signed in.
func (r reader) signedOut(now time.Time) *State {
	return r.state(Held{Record: store.Record{Account: r.guestAccount()}}, now, nil)
}

// endedFault is the fault of a session that is over. It is made of the stored reason,
// so that it reads the same after a restart.
func endedFault(e *store.Ended) *fault.Fault {
	return &fault.Fault{
		Kind: fault.SessionExpired, Code: e.Reason, Message: e.Detail, Hint: "sign in again", Err: fault.KindOfCode(e.Reason),
	}
}

// readTokens fills in a live session. Tokens that cannot be read count as expired, so
// that a refresh replaces them.
func (r reader) readTokens(s *State, now time.Time, fresh *expiry.Window) {
	s.view.signedIn = true
	record := s.user.Record
	pair, err := cognito.DecodePair(record.Tokens.Access.Reveal(), record.Tokens.ID.Reveal())
	if err != nil {
		s.view.tokensErr = &fault.Fault{Kind: fault.Store, Message: "cannot read the stored tokens", Err: err}
		s.tokens = expiry.Window{Base: now}
		return
	}
	if s.tokens = expiry.Tokens(now, record.Tokens.ReceivedAt, pair.Issued, pair.Life, record.Drift, r.ahead); fresh != nil {
		s.tokens = *fresh
	}
	s.view.tokens = Tokens{Access: pair.Access, ID: pair.ID, Expiry: s.tokens.End(), Refreshable: !record.Tokens.Refresh.IsZero()}
	if fresh == nil && r.formerIssuer != nil && s.view.tokens.Refreshable && r.formerIssuer(pair.Access.Issuer()) {
		// Services that expect today's issuer refuse them.
		s.tokens = expiry.Window{Base: now}
	}
}

// readIdentity fills in the identity pool's facets. now is when the record was read;
// fresh is the window of credentials that were received just now.
func (r reader) readIdentity(s *State, now time.Time, fresh *expiry.Window) {
	v, record := &s.view, s.holder().Record
	v.identityID, v.credentials, v.provider = "", store.Credentials{}, ""
	s.credentials = expiry.Window{}
	if f := record.Federation; f != nil && r.pool != "" && !s.Live() && !s.expired() {
		v.provider = f.Provider
		v.subErr = fault.New("", fault.NoUserPoolSession, "the session comes from "+f.Provider+"; use its identity id and AWS credentials")
		v.tokensErr = v.subErr
	}
	err := r.noIdentity(s)
	if s.hasIdentity = err == nil; s.hasIdentity {
		err = fault.New("", fault.NotFetched, hintFetched)
		identity := r.identity(record)
		v.identityID = identity.ID
		if c := identity.Credentials; c != nil {
			v.credentials = *c
			v.credentials.Expiration = expiry.CredentialsEnd(c.ReceivedAt, c.Expiration)
			s.credentials = r.storedCredentials(now, *c)
		}
		if fresh != nil {
			s.credentials = *fresh
		}
	}
	v.identityErr, v.credentialsErr = err, err
	if v.identityID != "" {
		v.identityErr = nil
	}
	if v.credentials.AccessKeyID != "" {
		v.credentialsErr = nil
	}
	updateFreshness(s)
}

// noIdentity says why a session cannot ask the identity pool; nil if it can. A session
// that the service has ended is never taken for a guest's.
func (r reader) noIdentity(s *State) error {
	switch {
	case s.expired():
		return s.view.subErr
	case r.pool == "":
		return fault.New("", fault.NoIdentityPool, "set Config.IdentityPoolID")
	case s.Live():
		if s.view.tokensErr == nil && s.view.tokens.ID == nil {
			return fault.New("", fault.Config, "the identity pool needs an ID token, and the session has none; sign in with the scope openid")
		}
	case s.view.provider == "" && !r.guests:
		return fault.New("", fault.GuestsDisabled, hintGuests)
	}
	return nil
}

// updateFreshness computes until when the hot paths may hand out the state. While no
// user is signed in that is at most until the store is read again.
func updateFreshness(s *State) {
	switch {
	case s.Live() && s.hasIdentity:
		s.sessionFresh, s.credentialsFresh = s.tokens.Earlier(s.credentials), s.credentials
	case s.Live():
		s.sessionFresh, s.credentialsFresh = s.tokens, expiry.Window{}
	case s.hasIdentity:
		s.credentialsFresh = s.credentials.Earlier(expiry.Window{Base: s.readAt, Due: recheck, DueWall: s.readAt.UnixNano() + int64(recheck)})
		s.sessionFresh = s.credentialsFresh
	default:
		s.sessionFresh, s.credentialsFresh = expiry.Window{}, expiry.Window{}
	}
}

// storedCredentials is the window of credentials that were read from a store.
func (r reader) storedCredentials(now time.Time, c store.Credentials) expiry.Window {
	return expiry.Credentials(now, c.ReceivedAt, c.Expiration, r.ahead)
}

// setGuest puts the guest's record into a state that was not published yet.
func (r reader) setGuest(s *State, guest Held, fresh *expiry.Window) {
	if s.view.provider != "" {
		out := fault.New("", fault.SignedOut, hintSignIn)
		s.view.subErr, s.view.tokensErr = out, out
	}
	s.guest = guest
	r.readIdentity(s, s.readAt, fresh)
}

// updateGuest takes what the store says about the guest into a copy of what memory
// knows, unless that is newer, or the same with better clocks.
func (r reader) updateGuest(s, found *State) {
	if s.guest.unsaved() && found.guest.Record.Generation < s.guest.Record.Generation {
		return
	}
	if found.guest.Record.Generation == s.guest.Record.Generation {
		s.guest.Stored = found.guest.Stored
		return
	}
	r.setGuest(s, found.guest, nil)
}

// mergeCredentials takes the credentials of now into s, which is to replace it and
// whose record was read before they were issued. Both are of one account and epoch.
func (r reader) mergeCredentials(s, now *State) {
	a, b := &s.user, &now.user
	if s == now || !s.Live() || !now.Live() || b.Record.Account != a.Record.Account || b.Record.Sub != a.Record.Sub {
		return
	}
	mine, other := r.identity(a.Record).Credentials, r.identity(b.Record)
	if other.Credentials == nil || mine != nil && !other.Credentials.ReceivedAt.After(mine.ReceivedAt) {
		return
	}
	a.Record.SetIdentity(other)
	if !b.unsaved() && b.Stored > a.Record.Generation {
		a.Record.Generation, a.Stored = b.Stored, b.Stored
	}
	window := now.credentials
	r.readIdentity(s, s.readAt, &window)
}

// answer is the view after a renewal that failed; an error is nil for the part that
// succeeded. Credentials that have not expired stay usable,
// unless the caller insists on new ones.
func (s *State) answer(want Want, tokensErr, credentialsErr error) *View {
	// What a caller did not ask for was not renewed: it may have expired.
	usable := s.view.credentialsErr != nil || s.credentials.Left(time.Now()) > 0
	if credentialsErr == nil && !usable {
		credentialsErr = fault.New("", fault.NotFetched, hintFetched)
	}
	if tokensErr == nil && credentialsErr == nil {
		return &s.view
	}
	v := s.view
	if tokensErr != nil {
		v.tokens, v.tokensErr = Tokens{}, tokensErr
	}
	if credentialsErr == nil {
		return &v
	}
	if v.identityID == "" {
		v.identityErr = credentialsErr
	}
	if want.Force || !usable || v.credentialsErr != nil {
		v.credentials, v.credentialsErr = store.Credentials{}, credentialsErr
	}
	return &v
}
