package userpool

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

// subject is the account that a sign-in or an account flow names, real or made up.
// Whatever an answer shows of an account is taken from here, so that both kinds
// have the same shape.
type subject struct {
	user      storage.User // the zero User when made up
	login     string       // the name as typed
	canonical string       // the canonical form of login
	shown     storage.User // user, or the made-up one in its place
	// name is USERNAME and USER_ID_FOR_SRP: the name that the verifier is bound to.
	name     string
	attempts counters
	verifier srp.Verifier
}

func (w *subject) real() bool { return w.user.Sub != "" }

// counters are the keys under which the attempts on a subject are counted.
type counters struct {
	// name counts the attempts under one typed name. Every name has such a counter,
	// so a refusal by it may be shown. Empty where no name was typed.
	name string
	// user counts the attempts on one user under all names. A refusal by it would
	// show that two names belong to one user, so a client that hides who exists
	// gets the answer to a wrong password or code instead.
	user string
}

// attemptsOf gives the counters of a user who did not type a name.
func attemptsOf(user storage.User) counters {
	return counters{user: user.PoolID + "/sub:" + user.Sub}
}

// checkTyped bounds a typed name, which is no UsernameType in AuthParameters.
func checkTyped(login string) error {
	if utf8.RuneCountInString(login) > maxUsername {
		return invalid("1 validation error detected: Value at 'username' failed to satisfy constraint: Member must have length less than or equal to %d", maxUsername)
	}
	return nil
}

// findSubject finds the account that a typed name means. For a name without a
// user it fails with UserNotFoundException, or makes a user up when the client
// hides who exists.
func (s *Service) findSubject(ctx context.Context, a *app, login string) (*subject, error) {
	who := &subject{login: login}
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		who.user, err = a.findTyped(tx, login)
		// A user of an identity provider has no password here, nor a way to one.
		if isExternal(who.user) {
			who.user = storage.User{}
		}
		if err == nil && !who.real() && !a.settings.hidesUsers() {
			err = wire.UserNotFound()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return who, s.complete(a, who)
}

// findTyped gives the user that a typed name means, or the zero User. The sub is a
// name too where challenges call users by it: clients keep USERNAME of a challenge
// as the user's name. Both kinds of name are looked up in any case, so that every
// name costs the same.
func (a *app) findTyped(tx storage.Tx, login string) (storage.User, error) {
	user, err := a.poolSet.findUserEvenly(tx, a.pool.ID, login)
	if err != nil || !a.poolSet.namesBySub() {
		return user, err
	}
	bySub, err := tx.Users.BySub(a.pool.ID, a.poolSet.canonicalName(login))
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	if bySub.Sub != "" {
		user = bySub // a name that is another user's sub is not found in that user's place
	}
	return user, err
}

// complete fills in what an answer needs of its subject. A real subject costs
// the same work as a made-up one: a user is made up and a verifier is unsealed
// for both.
func (s *Service) complete(a *app, who *subject) error {
	who.canonical = a.poolSet.canonicalTyped(who.login)
	login := loginUsername + ":" + who.canonical
	who.shown = s.madeUpUser(a, login)
	who.verifier = s.madeUpVerifierOf(a, who.shown, login)
	if who.real() {
		who.shown = who.user
	}
	who.name = a.poolSet.verifierName(who.shown)
	who.attempts = counters{name: a.pool.ID + "/" + login, user: attemptsOf(who.shown).user}
	switch {
	case !who.real():
		_, err := s.box.Open(purposeVerifier, s.decoy, nil)
		return err
	case len(who.user.Verifier) == 0:
		// No password is right for the made-up verifier.
		who.verifier = s.madeUpVerifier(a.pool.ID, who.user.Sub)
		return nil
	}
	return s.openVerifier(a.poolSet, who)
}

// openVerifier unseals the verifier of a user who has a password, and finds the
// name that it is bound to.
func (s *Service) openVerifier(set *PoolSettings, who *subject) error {
	v, name, err := s.unsealVerifier(set, who.user, who.user.Verifier)
	who.verifier, who.name = srp.Verifier{Salt: who.user.Salt, V: v}, name
	return err
}

// madeUpUser gives the user that a canonical login without a user stands for: the
// same one at every call, as RFC 5054, section 2.5.1.3 advises.
func (s *Service) madeUpUser(a *app, login string) storage.User {
	name := strings.TrimPrefix(login, loginUsername+":")
	mac := s.box.StableMAC(purposeMadeUp, []byte("sub"), []byte(a.pool.ID), []byte(login))
	user := storage.User{PoolID: a.pool.ID, Username: name, Sub: s.madeUpSub(a.pool.ID, [8]byte(mac[:8]))}
	id, ok := parseUUID(name)
	if !ok || random.FormatUUID(random.AsUUID(id)) != name {
		return user
	}
	// A name in the form of a sub that the service has made up is that user's.
	// Another one may be a sub or, unless contacts are the user names, the user name
	// of a user with another sub: it is made up as either, by a bit.
	madeUp := s.madeUpSub(a.pool.ID, [8]byte(id[:8])) == name
	if madeUp || len(a.poolSet.UsernameAttributes) > 0 || mac[len(mac)-1]&1 == 0 {
		user.Sub = name
	}
	return user
}

// madeUpSub makes a sub of its first half. The second half follows from it, so that
// the service knows a made-up sub again and no one else does.
func (s *Service) madeUpSub(poolID string, half [8]byte) string {
	var id [16]byte
	copy(id[:], half[:])
	id = random.AsUUID(id)
	copy(id[8:], s.box.StableMAC(purposeMadeUp, []byte("sub tag"), []byte(poolID), id[:8]))
	return random.FormatUUID(random.AsUUID(id))
}

// madeUpVerifierOf gives the verifier of a user who is made up for a canonical login.
// It follows from the sub where the sub is a name too, so that both names lead to one
// user.
func (s *Service) madeUpVerifierOf(a *app, user storage.User, login string) srp.Verifier {
	if a.poolSet.namesBySub() {
		return s.madeUpVerifier(a.pool.ID, "sub:"+user.Sub)
	}
	return s.madeUpVerifier(a.pool.ID, login)
}

// madeUpVerifier gives a salt and a verifier that belong to no password.
func (s *Service) madeUpVerifier(poolID, of string) srp.Verifier {
	part := func(label string) []byte {
		return s.box.StableMAC(purposeMadeUp, []byte(label), []byte(poolID), []byte(of))
	}
	v := make([]byte, 0, verifierSize)
	for _, label := range []string{"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11"} {
		v = append(v, part(label)...)
	}
	v[0] &= 0x7f // below the modulus
	return srp.Verifier{Salt: part("salt")[:16], V: v}
}
