package signin

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/federation"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// IdentityProvider gives an identity provider for a sign-in there. It fails with
// ResourceNotFoundException.
func (s *Service) IdentityProvider(ctx context.Context, poolID, name string) (federation.Provider, error) {
	p, err := s.pools.ViewProvider(ctx, poolID, name)
	if err != nil {
		return federation.Provider{}, err
	}
	return p.Federated(), nil
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
	_, err := s.tokens.SpendOnce(ctx, releasedTry(try), until)
	return err
}

func releasedTry(try string) string { return try + "/released" }

// SignInElsewhere lets in a person who signed in at an identity provider: the user
// who has that identity, or a new one. Mapped attributes are brought up to date. What
// the pool refuses is a *wire.Exception, and nothing is written then.
func (s *Service) SignInElsewhere(ctx context.Context, clientID, provider string, person federation.Person) (*tokens.Proven, error) {
	var user storage.User
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		a, err := s.pools.LoadApp(tx, clientID)
		if err != nil {
			return err
		}
		p, set, err := s.pools.LoadProvider(tx, a.Pool.ID, provider)
		if err != nil {
			return err
		}
		if person.Issuer != federation.Issuer(p.Type, p.Opened) {
			return wire.Exceptionf(wire.ResourceNotFoundException, "The identity provider %s has changed. Sign in again.", provider)
		}
		user, err = set.FindIdentity(tx, p, person.Subject)
		if errors.Is(err, storage.ErrNotFound) {
			user, err = s.newcomer(tx, a, p, person)
			return err
		}
		if err != nil {
			return err
		}
		if refusal := s.passwords.AccountRefusal(user); refusal != nil {
			return refusal
		}
		if set.DisabledIdentity(user, p, person.Subject) {
			return pool.IdentityDisabled(provider)
		}
		return s.bringUpToDate(tx, a, p, &user, person)
	})
	if err != nil {
		return nil, err
	}
	return &tokens.Proven{
		PoolID: user.PoolID, Sub: user.Sub, Username: user.Username, Provider: provider, Subject: person.Subject, AuthTime: s.now(),
		SignOuts: user.SignOuts, PasswordEpoch: user.PasswordEpoch,
	}, nil
}

// mapped are the attributes that a person's claims give, as far as they are there.
// The client must be allowed to write them (developer guide, "Specifying identity
// provider attribute mappings"); a flag of verification goes with its contact. Only
// administrators write developer-only attributes, so a mapping of one has no effect.
func mapped(a *pool.App, p *pool.IdentityProvider, person federation.Person) (map[string]string, error) {
	given := map[string]string{}
	for name, claim := range p.Mapping {
		if name == pool.AttributeUsername || a.PoolSettings.DeveloperOnly(name) {
			continue
		}
		if !a.MayWrite(flagged(name)) {
			return nil, pool.Invalid("The client cannot write the mapped attribute %s.", name)
		}
		if value := person.Claims[claim]; pool.Normalized(value) != "" {
			given[name] = value
		}
	}
	// A flag without its contact would be about nothing.
	for _, contact := range []string{pool.LoginEmail, pool.LoginPhone} {
		if given[contact] == "" {
			delete(given, contact+"_verified")
		}
	}
	return given, nil
}

// flagged is the contact that a flag of verification is about, or the attribute itself.
func flagged(name string) string {
	for _, contact := range []string{pool.LoginEmail, pool.LoginPhone} {
		if name == contact+"_verified" {
			return contact
		}
	}
	return name
}

// newcomer makes the user of a first sign-in. It never joins a user who has the same
// name or contact already.
func (s *Service) newcomer(tx storage.Tx, a *pool.App, p *pool.IdentityProvider, person federation.Person) (storage.User, error) {
	now := s.now()
	user := storage.User{
		PoolID: a.Pool.ID, Sub: random.UUID(), Enabled: true, CreatedAt: now, ModifiedAt: now,
		Status: string(wire.UserStatusExternalProvider),
	}
	given, err := mapped(a, p, person)
	if err != nil {
		return user, err
	}
	if err := a.PoolSettings.CheckAttributes(given, true); err != nil {
		return user, err
	}
	if err := pool.SetAttributes(&user, given); err != nil {
		return user, err
	}
	if err := pool.SetIdentities(&user, []pool.Identity{s.pools.NewIdentity(p, person.Subject, true)}); err != nil {
		return user, err
	}
	if err := s.insertFederated(tx, a.PoolSettings, &user, p, person); err != nil {
		return user, err
	}
	return user, s.joinProviderGroup(tx, p, user)
}

// joinProviderGroup adds a new user to the group of the provider's users.
func (s *Service) joinProviderGroup(tx storage.Tx, p *pool.IdentityProvider, user storage.User) error {
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
func (s *Service) bringUpToDate(tx storage.Tx, a *pool.App, p *pool.IdentityProvider, user *storage.User, person federation.Person) error {
	given, err := mapped(a, p, person)
	if err != nil {
		return err
	}
	if !pool.IsExternal(*user) {
		withoutUnproven(a.PoolSettings, *user, given)
	}
	for _, contact := range []string{pool.LoginEmail, pool.LoginPhone} {
		// An address that cannot change is not the one that the flag is about.
		if a.PoolSettings.Immutable(contact) && pool.Normalized(given[contact]) != user.Attributes[contact] {
			delete(given, contact+"_verified")
		}
	}
	for name, value := range given {
		// Mappings from before immutable attributes were refused set them once.
		if user.Attributes[name] == value || a.PoolSettings.Immutable(name) {
			delete(given, name)
		}
	}
	// A flag that stays is said again with a contact that changes.
	for _, contact := range []string{pool.LoginEmail, pool.LoginPhone} {
		if flag := person.Claims[p.Mapping[contact+"_verified"]]; given[contact] != "" && p.Mapping[contact+"_verified"] != "" && flag != "" {
			given[contact+"_verified"] = flag
		}
	}
	if len(given) == 0 {
		return nil
	}
	user.ModifiedAt = s.pools.After(user.ModifiedAt)
	return writeMapped(a.PoolSettings, tx, user, given)
}

// withoutUnproven takes those contacts out of mapped attributes that are not verified,
// where the pool requires that before the user's own value gives way.
func withoutUnproven(p *pool.Settings, user storage.User, given map[string]string) {
	for _, contact := range []string{pool.LoginEmail, pool.LoginPhone} {
		changes := user.Attributes[contact] != "" && pool.Normalized(given[contact]) != user.Attributes[contact]
		if changes && p.RequiresVerification(contact) && given[contact+"_verified"] != "true" {
			delete(given, contact)
			delete(given, contact+"_verified")
		}
	}
}

// writeMapped writes mapped attributes of a user who comes back. A preferred_username
// that cannot be the user's name here is left out: the provider chose it, and the person
// must not be kept out for it.
func writeMapped(p *pool.Settings, tx storage.Tx, user *storage.User, given map[string]string) error {
	changed := *user
	err := pool.UpdateAttributes(tx, p, &changed, given)
	if _, refused := errors.AsType[*wire.Exception](err); refused && given[pool.LoginPreferred] != "" && p.SignsInWith(pool.LoginPreferred) {
		delete(given, pool.LoginPreferred)
		changed = *user
		err = pool.UpdateAttributes(tx, p, &changed, given)
	}
	if err == nil {
		*user = changed
	}
	return err
}
