package pool

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Subject is the account that a sign-in or an account flow names, real or made up.
// Whatever an answer shows of an account is taken from here, so that both kinds
// have the same shape.
type Subject struct {
	User      storage.User // the zero User when made up
	Login     string       // the name as typed
	Canonical string       // the canonical form of login
	Shown     storage.User // user, or the made-up one in its place
	// Name is USERNAME and USER_ID_FOR_SRP: the name that the verifier is bound to.
	Name     string
	Attempts Counters
	Verifier srp.Verifier
}

// Real reports whether the user exists.
func (w *Subject) Real() bool { return w.User.Sub != "" }

// Counters are the keys under which the attempts on a subject are counted.
type Counters struct {
	// Name counts the attempts under one typed name. Every name has such a counter,
	// so a refusal by it may be shown. Empty where no name was typed.
	Name string
	// user counts the attempts on one user under all names. A refusal by it would
	// show that two names belong to one user, so a client that hides who exists
	// gets the answer to a wrong password or code instead.
	user string
}

// AttemptsOf gives the counters of a user who did not type a name.
func AttemptsOf(user storage.User) Counters {
	return Counters{user: user.PoolID + "/sub:" + user.Sub}
}

// CheckTyped bounds a typed name, which is no UsernameType in AuthParameters.
func CheckTyped(login string) error {
	if utf8.RuneCountInString(login) > MaxUsername {
		return Invalid("1 validation error detected: Value at 'username' failed to satisfy constraint: Member must have length less than or equal to %d", MaxUsername)
	}
	return nil
}

// FindSubject finds the account that a typed name means. For a name without a
// user it fails with UserNotFoundException, or makes a user up when the client
// hides who exists.
func (s *Passwords) FindSubject(ctx context.Context, a *App, login string) (*Subject, error) {
	who := &Subject{Login: login}
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		who.User, err = a.findTyped(tx, login)
		// A user of an identity provider has no password here, nor a way to one.
		if IsExternal(who.User) {
			who.User = storage.User{}
		}
		if err == nil && !who.Real() && !a.Settings.HidesUsers() {
			err = wire.UserNotFound()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return who, s.Complete(a, who)
}

// findTyped gives the user that a typed name means, or the zero User. The sub is a
// name too where challenges call users by it: clients keep USERNAME of a challenge
// as the user's name. Both kinds of name are looked up in any case, so that every
// name costs the same.
func (a *App) findTyped(tx storage.Tx, login string) (storage.User, error) {
	user, err := a.PoolSettings.findUserEvenly(tx, a.Pool.ID, login)
	if err != nil || !a.PoolSettings.NamesBySub() {
		return user, err
	}
	bySub, err := tx.Users.BySub(a.Pool.ID, a.PoolSettings.CanonicalName(login))
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	if bySub.Sub != "" {
		user = bySub // a name that is another user's sub is not found in that user's place
	}
	return user, err
}

// Complete fills in what an answer needs of its subject. A real subject costs
// the same work as a made-up one: a user is made up and a verifier is unsealed
// for both.
func (s *Passwords) Complete(a *App, who *Subject) error {
	who.Canonical = a.PoolSettings.canonicalTyped(who.Login)
	login := loginUsername + ":" + who.Canonical
	who.Shown = s.madeUpUser(a, login)
	who.Verifier = s.madeUpVerifierOf(a, who.Shown, login)
	if who.Real() {
		who.Shown = who.User
	}
	who.Name = a.PoolSettings.verifierName(who.Shown)
	who.Attempts = Counters{Name: a.Pool.ID + "/" + login, user: AttemptsOf(who.Shown).user}
	switch {
	case !who.Real():
		_, err := s.box.Open(purposeVerifier, s.decoy, nil)
		return err
	case len(who.User.Verifier) == 0:
		// No password is right for the made-up verifier.
		who.Verifier = s.madeUpVerifier(a.Pool.ID, who.User.Sub)
		return nil
	}
	return s.openVerifier(a.PoolSettings, who)
}

// openVerifier unseals the verifier of a user who has a password, and finds the
// name that it is bound to.
func (s *Passwords) openVerifier(set *Settings, who *Subject) error {
	v, name, err := s.UnsealVerifier(set, who.User, who.User.Verifier)
	who.Verifier, who.Name = srp.Verifier{Salt: who.User.Salt, V: v}, name
	return err
}

// madeUpUser gives the user that a canonical login without a user stands for: the
// same one at every call, as RFC 5054, section 2.5.1.3 advises.
func (s *Passwords) madeUpUser(a *App, login string) storage.User {
	name := strings.TrimPrefix(login, loginUsername+":")
	mac := s.box.StableMAC(PurposeMadeUp, []byte("sub"), []byte(a.Pool.ID), []byte(login))
	user := storage.User{PoolID: a.Pool.ID, Username: name, Sub: s.madeUpSub(a.Pool.ID, [8]byte(mac[:8]))}
	id, ok := ParseUUID(name)
	if !ok || random.FormatUUID(random.AsUUID(id)) != name {
		return user
	}
	// A name in the form of a sub that the service has made up is that user's.
	// Another one may be a sub or, unless contacts are the user names, the user name
	// of a user with another sub: it is made up as either, by a bit.
	madeUp := s.madeUpSub(a.Pool.ID, [8]byte(id[:8])) == name
	if madeUp || len(a.PoolSettings.UsernameAttributes) > 0 || mac[len(mac)-1]&1 == 0 {
		user.Sub = name
	}
	return user
}

// madeUpSub makes a sub of its first half. The second half follows from it, so that
// the service knows a made-up sub again and no one else does.
func (s *Passwords) madeUpSub(poolID string, half [8]byte) string {
	var id [16]byte
	copy(id[:], half[:])
	id = random.AsUUID(id)
	copy(id[8:], s.box.StableMAC(PurposeMadeUp, []byte("sub tag"), []byte(poolID), id[:8]))
	return random.FormatUUID(random.AsUUID(id))
}

// madeUpVerifierOf gives the verifier of a user who is made up for a canonical login.
// It follows from the sub where the sub is a name too, so that both names lead to one
// user.
func (s *Passwords) madeUpVerifierOf(a *App, user storage.User, login string) srp.Verifier {
	if a.PoolSettings.NamesBySub() {
		return s.madeUpVerifier(a.Pool.ID, "sub:"+user.Sub)
	}
	return s.madeUpVerifier(a.Pool.ID, login)
}

// madeUpVerifier gives a salt and a verifier that belong to no password.
func (s *Passwords) madeUpVerifier(poolID, of string) srp.Verifier {
	part := func(label string) []byte {
		return s.box.StableMAC(PurposeMadeUp, []byte(label), []byte(poolID), []byte(of))
	}
	v := make([]byte, 0, VerifierSize)
	for _, label := range []string{"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11"} {
		v = append(v, part(label)...)
	}
	v[0] &= 0x7f // below the modulus
	return srp.Verifier{Salt: part("salt")[:16], V: v}
}
