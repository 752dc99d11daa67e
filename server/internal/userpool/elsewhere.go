package userpool

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// IdentityProvider gives an identity provider for a sign-in there. It fails with
// ResourceNotFoundException.
func (s *Service) IdentityProvider(ctx context.Context, poolID, name string) (federation.Provider, error) {
	p, err := s.viewProvider(ctx, poolID, name)
	if err != nil {
		return federation.Provider{}, err
	}
	return p.federated(), nil
}

// SpendOnce marks an id as used until that time, and reports whether this was the
// first use.
func (s *Service) SpendOnce(ctx context.Context, id string, until time.Time) (first bool, err error) {
	err = s.store.Update(ctx, func(tx storage.Tx) (err error) {
		first, err = tx.Spent.Spend(id, until)
		return err
	})
	return first, err
}

// maxTries bounds how often an attempt may be tried again after temporary failures.
const maxTries = 5

// SpendAttempt marks an attempt at another provider as used until that time. ok is false
// if it was used before, unless that use was released. try is what ReleaseAttempt takes.
func (s *Service) SpendAttempt(ctx context.Context, id string, until time.Time) (try string, ok bool, err error) {
	err = s.store.Update(ctx, func(tx storage.Tx) (err error) {
		try = id
		for range maxTries {
			if ok, err = tx.Spent.Spend(try, until); ok || err != nil {
				return err
			}
			released, err := tx.Spent.Used(releasedTry(try))
			if err != nil || !released {
				return err
			}
			try += "+"
		}
		return nil
	})
	return try, ok, err
}

// ReleaseAttempt makes a use of an attempt count for nothing: it failed for a reason
// that passes, and the person may come back with another answer of the provider.
func (s *Service) ReleaseAttempt(ctx context.Context, try string, until time.Time) error {
	_, err := s.SpendOnce(ctx, releasedTry(try), until)
	return err
}

func releasedTry(try string) string { return try + "/released" }

// SignInElsewhere lets in a person who signed in at an identity provider: the user
// who has that identity, or a new one. Mapped attributes are brought up to date. What
// the pool refuses is a *wire.Exception, and nothing is written then.
func (s *Service) SignInElsewhere(ctx context.Context, clientID, provider string, person federation.Person) (*Proven, error) {
	var user storage.User
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		a, err := s.loadApp(tx, clientID)
		if err != nil {
			return err
		}
		p, set, err := s.loadProvider(tx, a.pool.ID, provider)
		if err != nil {
			return err
		}
		if person.Issuer != federation.Issuer(p.Type, p.details) {
			return wire.Exceptionf(wire.ResourceNotFoundException, "The identity provider %s has changed. Sign in again.", provider)
		}
		user, err = set.findIdentity(tx, p, person.Subject)
		if errors.Is(err, storage.ErrNotFound) {
			user, err = s.newcomer(tx, a, p, person)
			return err
		}
		if err != nil {
			return err
		}
		if refusal := s.accountRefusal(user); refusal != nil {
			return refusal
		}
		if set.disabledIdentity(user, p, person.Subject) {
			return identityDisabled(provider)
		}
		return s.bringUpToDate(tx, a, p, &user, person)
	})
	if err != nil {
		return nil, err
	}
	return &Proven{
		PoolID: user.PoolID, Sub: user.Sub, Username: user.Username, Provider: provider, Subject: person.Subject, AuthTime: s.now(),
		SignOuts: user.SignOuts, PasswordEpoch: user.PasswordEpoch,
	}, nil
}

// mapped are the attributes that a person's claims give, as far as they are there.
// The client must be allowed to write them (developer guide, "Specifying identity
// provider attribute mappings"); a flag of verification goes with its contact. Only
// administrators write developer-only attributes, so a mapping of one has no effect.
func (a *app) mapped(p *identityProvider, person federation.Person) (map[string]string, error) {
	given := map[string]string{}
	for name, claim := range p.Mapping {
		if name == attributeUsername || a.poolSet.developerOnly(name) {
			continue
		}
		if !a.mayWrite(flagged(name)) {
			return nil, invalid("The client cannot write the mapped attribute %s.", name)
		}
		if value := person.Claims[claim]; normalized(value) != "" {
			given[name] = value
		}
	}
	// A flag without its contact would be about nothing.
	for _, contact := range []string{loginEmail, loginPhone} {
		if given[contact] == "" {
			delete(given, contact+"_verified")
		}
	}
	return given, nil
}

// flagged is the contact that a flag of verification is about, or the attribute itself.
func flagged(name string) string {
	for _, contact := range []string{loginEmail, loginPhone} {
		if name == contact+"_verified" {
			return contact
		}
	}
	return name
}

// newcomer makes the user of a first sign-in. It never joins a user who has the same
// name or contact already.
func (s *Service) newcomer(tx storage.Tx, a *app, p *identityProvider, person federation.Person) (storage.User, error) {
	now := s.now()
	user := storage.User{
		PoolID: a.pool.ID, Sub: random.UUID(), Enabled: true, CreatedAt: now, ModifiedAt: now,
		Status: string(wire.UserStatusExternalProvider),
	}
	given, err := a.mapped(p, person)
	if err != nil {
		return user, err
	}
	if err := a.poolSet.checkAttributes(given, true); err != nil {
		return user, err
	}
	if err := setAttributes(&user, given); err != nil {
		return user, err
	}
	if err := setIdentities(&user, []identity{s.newIdentity(p, person.Subject, true)}); err != nil {
		return user, err
	}
	if err := s.insertFederated(tx, a.poolSet, &user, p, person); err != nil {
		return user, err
	}
	return user, s.joinProviderGroup(tx, p, user)
}

// joinProviderGroup adds a new user to the group of the provider's users.
func (s *Service) joinProviderGroup(tx storage.Tx, p *identityProvider, user storage.User) error {
	name := p.PoolID + "_" + p.Name
	now := s.now()
	err := tx.Groups.Insert(storage.Group{
		PoolID: p.PoolID, Name: name, CreatedAt: now, ModifiedAt: now,
		Description: "Autogenerated group for users who sign in using " + p.Name,
	})
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return err
	}
	return tx.Members.Add(p.PoolID, name, user.Sub)
}

// bringUpToDate writes the mapped attributes of a user who comes back, if they have
// changed. A contact that changed is verified only if the provider says so.
func (s *Service) bringUpToDate(tx storage.Tx, a *app, p *identityProvider, user *storage.User, person federation.Person) error {
	given, err := a.mapped(p, person)
	if err != nil {
		return err
	}
	if !isExternal(*user) {
		a.poolSet.withoutUnproven(*user, given)
	}
	for _, contact := range []string{loginEmail, loginPhone} {
		// An address that cannot change is not the one that the flag is about.
		if a.poolSet.immutable(contact) && normalized(given[contact]) != user.Attributes[contact] {
			delete(given, contact+"_verified")
		}
	}
	for name, value := range given {
		// Mappings from before immutable attributes were refused set them once.
		if user.Attributes[name] == value || a.poolSet.immutable(name) {
			delete(given, name)
		}
	}
	// A flag that stays is said again with a contact that changes.
	for _, contact := range []string{loginEmail, loginPhone} {
		if flag := person.Claims[p.Mapping[contact+"_verified"]]; given[contact] != "" && p.Mapping[contact+"_verified"] != "" && flag != "" {
			given[contact+"_verified"] = flag
		}
	}
	if len(given) == 0 {
		return nil
	}
	user.ModifiedAt = s.after(user.ModifiedAt)
	return a.poolSet.writeMapped(tx, user, given)
}

// withoutUnproven takes those contacts out of mapped attributes that are not verified,
// where the pool requires that before the user's own value gives way.
func (p *PoolSettings) withoutUnproven(user storage.User, given map[string]string) {
	for _, contact := range []string{loginEmail, loginPhone} {
		changes := user.Attributes[contact] != "" && normalized(given[contact]) != user.Attributes[contact]
		if changes && p.requiresVerification(contact) && given[contact+"_verified"] != "true" {
			delete(given, contact)
			delete(given, contact+"_verified")
		}
	}
}

// writeMapped writes mapped attributes of a user who comes back. A preferred_username
// that cannot be the user's name here is left out: the provider chose it, and the person
// must not be kept out for it.
func (p *PoolSettings) writeMapped(tx storage.Tx, user *storage.User, given map[string]string) error {
	changed := *user
	err := updateAttributes(tx, p, &changed, given)
	if _, refused := errors.AsType[*wire.Exception](err); refused && given[loginPreferred] != "" && p.signsInWith(loginPreferred) {
		delete(given, loginPreferred)
		changed = *user
		err = updateAttributes(tx, p, &changed, given)
	}
	if err == nil {
		*user = changed
	}
	return err
}
