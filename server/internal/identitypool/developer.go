package identitypool

import (
	"context"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// developerLife is how long the token of GetOpenIdTokenForDeveloperIdentity lasts
// when the call does not say.
const developerLife = 15 * time.Minute

// GetOpenIdTokenForDeveloperIdentity gives the token of a user whom the caller, a
// server of the application, has signed in itself: by the identity that the user
// has, or a new one, or the one that the call names, which may have other logins.
func (s *Service) GetOpenIdTokenForDeveloperIdentity(ctx context.Context, in *wire.GetOpenIdTokenForDeveloperIdentityRequest) (*wire.GetOpenIdTokenForDeveloperIdentityResponse, error) {
	v := &visitor{}
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		if v.pool, v.set, err = s.loadPool(tx, in.IdentityPoolId); err != nil || in.IdentityId == "" {
			return err
		}
		_, err = inPool(tx, in.IdentityPoolId, in.IdentityId)
		return err
	})
	if err != nil {
		return nil, err
	}
	if v.logins, err = s.proveDeveloper(ctx, v.set, in.Logins); err != nil {
		return nil, err
	}
	if v.identity, err = s.owner(ctx, v.pool.ID, in.IdentityId, v.logins); err != nil {
		return nil, err
	}
	for tag, value := range in.PrincipalTags {
		if utf8.RuneCountInString(value) > maxTagValue {
			return nil, invalid("The value of the principal tag %q is longer than %d characters.", tag, maxTagValue)
		}
	}
	life := developerLife
	if in.TokenDuration != nil {
		life = time.Duration(*in.TokenDuration) * time.Second
	}
	token, err := s.mint(ctx, v, life, in.PrincipalTags)
	if err != nil {
		return nil, err
	}
	return &wire.GetOpenIdTokenForDeveloperIdentityResponse{IdentityId: v.identity.ID, Token: token}, nil
}

// proveDeveloper takes the developer's user as the caller says, and verifies the
// tokens of other providers.
func (s *Service) proveDeveloper(ctx context.Context, set *PoolSettings, logins wire.Parameters) ([]proven, error) {
	name := set.DeveloperProviderName
	user, ok := logins[name]
	if name == "" || !ok {
		return nil, invalid("Logins must have the developer provider of the identity pool.")
	}
	others := wire.Parameters{}
	for key, token := range logins {
		if key != name {
			others[key] = token
		}
	}
	list, err := s.prove(ctx, set, others)
	if err != nil {
		return nil, err
	}
	first := proven{provider: developer(name), login: storage.Login{Provider: name, Subject: user}}
	return append([]proven{first}, list...), nil
}

// inPool loads an identity of a pool; one of another pool does not exist for it.
func inPool(tx storage.Tx, poolID, id string) (storage.Identity, error) {
	identity, err := tx.Identities.Identity(id)
	if err == nil && identity.PoolID != poolID {
		return storage.Identity{}, wire.IdentityNotFound(id)
	}
	return identity, notFound(err, wire.IdentityNotFound(id))
}

// developerUser finds the identity of a developer's user.
func developerUser(tx storage.Tx, poolID, provider, user string) (storage.Identity, error) {
	identity, err := tx.Identities.Lookup(poolID, storage.Login{Provider: provider, Subject: user})
	return identity, notFound(err, wire.NewException(wire.ResourceNotFoundException, wire.MessageDeveloperUserNotFound))
}

// checkDeveloper demands the pool's own developer provider.
func (s *Service) checkDeveloper(tx storage.Tx, poolID, name string) error {
	_, set, err := s.loadPool(tx, poolID)
	if err == nil && (name == "" || set.DeveloperProviderName != name) {
		return invalid("The identity pool %s has no developer provider %q.", poolID, name)
	}
	return err
}

// LookupDeveloperIdentity gives the identity of a developer's user and all user
// identifiers that the identity has, page by page. Where both are named they must
// belong together.
func (s *Service) LookupDeveloperIdentity(ctx context.Context, in *wire.LookupDeveloperIdentityRequest) (*wire.LookupDeveloperIdentityResponse, error) {
	if in.IdentityId == "" && in.DeveloperUserIdentifier == "" {
		return nil, invalid("Either IdentityId or DeveloperUserIdentifier must be given.")
	}
	p, err := s.lists.Page(in.NextToken, in.MaxResults, "LookupDeveloperIdentity", in.IdentityPoolId, in.IdentityId, in.DeveloperUserIdentifier)
	if err != nil {
		return nil, err
	}
	out := &wire.LookupDeveloperIdentityResponse{}
	var users []string
	err = s.store.View(ctx, func(tx storage.Tx) error {
		_, set, err := s.loadPool(tx, in.IdentityPoolId)
		if err != nil {
			return err
		}
		identity, err := lookup(tx, set.DeveloperProviderName, in)
		out.IdentityId, users = identity.ID, developerUsers(identity, set.DeveloperProviderName, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.DeveloperUserIdentifierList, out.NextToken = paging.Turn(p, users, func(user string) string { return user })
	return out, nil
}

func lookup(tx storage.Tx, provider string, in *wire.LookupDeveloperIdentityRequest) (storage.Identity, error) {
	if in.DeveloperUserIdentifier == "" {
		return inPool(tx, in.IdentityPoolId, in.IdentityId)
	}
	identity, err := developerUser(tx, in.IdentityPoolId, provider, in.DeveloperUserIdentifier)
	if err == nil && in.IdentityId != "" && in.IdentityId != identity.ID {
		return identity, wire.NewException(wire.ResourceConflictException, wire.MessageDeveloperUserRegistered)
	}
	return identity, err
}

// developerUsers lists the developer's users of an identity in order, from where
// the page begins.
func developerUsers(identity storage.Identity, provider string, p paging.Page) []string {
	var users []string
	for _, login := range identity.Logins {
		if login.Provider == provider && login.Subject > p.After {
			users = append(users, login.Subject)
		}
	}
	slices.Sort(users)
	return users[:min(len(users), p.Want())]
}

// MergeDeveloperIdentities makes one identity of those of two users of a developer:
// the destination's, which gets all logins of the source's. Two identities with
// different users of one other provider cannot become one.
func (s *Service) MergeDeveloperIdentities(ctx context.Context, in *wire.MergeDeveloperIdentitiesRequest) (*wire.MergeDeveloperIdentitiesResponse, error) {
	out := &wire.MergeDeveloperIdentitiesResponse{}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if err := s.checkDeveloper(tx, in.IdentityPoolId, in.DeveloperProviderName); err != nil {
			return err
		}
		source, err := developerUser(tx, in.IdentityPoolId, in.DeveloperProviderName, in.SourceUserIdentifier)
		if err != nil {
			return err
		}
		destination, err := developerUser(tx, in.IdentityPoolId, in.DeveloperProviderName, in.DestinationUserIdentifier)
		out.IdentityId = destination.ID
		if err != nil || source.ID == destination.ID {
			return err
		}
		return s.merge(tx, source, destination, in.DeveloperProviderName)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) merge(tx storage.Tx, source, destination storage.Identity, developer string) error {
	for _, login := range source.Logins {
		conflict := func(other storage.Login) bool { return other.Provider == login.Provider && login.Provider != developer }
		if slices.ContainsFunc(destination.Logins, conflict) {
			return wire.NewException(wire.ResourceConflictException, wire.MessageLoginsLinkedElsewhere)
		}
	}
	destination.Logins = append(destination.Logins, source.Logins...)
	source.Logins, source.Disabled, source.MergedInto = nil, true, destination.ID
	source.ModifiedAt, destination.ModifiedAt = s.now(), s.now()
	return errors.Join(tx.Identities.Update(source), tx.Identities.Update(destination))
}

// UnlinkDeveloperIdentity takes a developer's user from an identity.
func (s *Service) UnlinkDeveloperIdentity(ctx context.Context, in *wire.UnlinkDeveloperIdentityRequest) (*wire.UnlinkDeveloperIdentityResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		if err := s.checkDeveloper(tx, in.IdentityPoolId, in.DeveloperProviderName); err != nil {
			return err
		}
		identity, err := inPool(tx, in.IdentityPoolId, in.IdentityId)
		if err != nil {
			return err
		}
		login := storage.Login{Provider: in.DeveloperProviderName, Subject: in.DeveloperUserIdentifier}
		return s.unlink(tx, identity, func(other storage.Login) bool { return other == login })
	})
	if err != nil {
		return nil, err
	}
	return &wire.UnlinkDeveloperIdentityResponse{}, nil
}
