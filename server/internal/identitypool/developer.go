package identitypool

import (
	"context"
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

// developerOperations answers the operations that issue tokens for developers' users and
// look the users up.
type developerOperations struct {
	store  storage.Store
	pools  *pools
	logins *loginVerifier
	linker *linker
	tokens *identityTokens
	lists  paging.Lists
}

func (o *developerOperations) operations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"GetOpenIdTokenForDeveloperIdentity": wire.Handle(o.getOpenIDToken),
		"LookupDeveloperIdentity":            wire.Handle(o.lookup),
	}
}

// getOpenIDToken returns the token of a user that the caller, a server of the application,
// has signed in itself. The identity is the user's, or a new one, or the one that the call
// names, which may have other logins.
func (o *developerOperations) getOpenIDToken(ctx context.Context, in *wire.GetOpenIdTokenForDeveloperIdentityRequest) (*wire.GetOpenIdTokenForDeveloperIdentityResponse, error) {
	v := &visitor{}
	err := o.store.View(ctx, func(tx storage.Tx) (err error) {
		if v.pool, v.set, err = o.pools.load(tx, in.IdentityPoolId); err != nil || in.IdentityId == "" {
			return err
		}
		_, err = inPool(tx, in.IdentityPoolId, in.IdentityId)
		return err
	})
	if err != nil {
		return nil, err
	}
	if v.logins, err = o.prove(ctx, v.set, in.Logins); err != nil {
		return nil, err
	}
	if v.identity, err = o.linker.owner(ctx, v.pool.ID, in.IdentityId, v.logins); err != nil {
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
	token, err := o.tokens.mint(ctx, v, life, in.PrincipalTags)
	if err != nil {
		return nil, err
	}
	return &wire.GetOpenIdTokenForDeveloperIdentityResponse{IdentityId: v.identity.ID, Token: token}, nil
}

// prove trusts the caller for the developer's user, and verifies the tokens of other
// providers.
func (o *developerOperations) prove(ctx context.Context, set *PoolSettings, logins wire.Parameters) ([]proven, error) {
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
	list, err := o.logins.prove(ctx, set, others)
	if err != nil {
		return nil, err
	}
	first := proven{provider: developer(name), login: storage.Login{Provider: name, Subject: user}}
	return append([]proven{first}, list...), nil
}

// lookup returns the identity of a developer's user and all user identifiers that the
// identity has, page by page. If the call names both they must belong together.
func (o *developerOperations) lookup(ctx context.Context, in *wire.LookupDeveloperIdentityRequest) (*wire.LookupDeveloperIdentityResponse, error) {
	if in.IdentityId == "" && in.DeveloperUserIdentifier == "" {
		return nil, invalid("Either IdentityId or DeveloperUserIdentifier must be given.")
	}
	p, err := o.lists.Page(in.NextToken, in.MaxResults, "LookupDeveloperIdentity", in.IdentityPoolId, in.IdentityId, in.DeveloperUserIdentifier)
	if err != nil {
		return nil, err
	}
	out := &wire.LookupDeveloperIdentityResponse{}
	var users []string
	err = o.store.View(ctx, func(tx storage.Tx) error {
		_, set, err := o.pools.load(tx, in.IdentityPoolId)
		if err != nil {
			return err
		}
		identity, err := lookupDeveloper(tx, set.DeveloperProviderName, in)
		out.IdentityId, users = identity.ID, subjectsOf(identity, set.DeveloperProviderName, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.DeveloperUserIdentifierList, out.NextToken = paging.Turn(p, users, func(user string) string { return user })
	return out, nil
}

func lookupDeveloper(tx storage.Tx, provider string, in *wire.LookupDeveloperIdentityRequest) (storage.Identity, error) {
	if in.DeveloperUserIdentifier == "" {
		return inPool(tx, in.IdentityPoolId, in.IdentityId)
	}
	identity, err := developerUser(tx, in.IdentityPoolId, provider, in.DeveloperUserIdentifier)
	if err == nil && in.IdentityId != "" && in.IdentityId != identity.ID {
		return identity, wire.NewException(wire.ResourceConflictException, wire.MessageDeveloperUserRegistered)
	}
	return identity, err
}

// subjectsOf lists the developer's users of an identity in order, from where
// the page begins.
func subjectsOf(identity storage.Identity, provider string, p paging.Page) []string {
	var users []string
	for _, login := range identity.Logins {
		if login.Provider == provider && login.Subject > p.After {
			users = append(users, login.Subject)
		}
	}
	slices.Sort(users)
	return users[:min(len(users), p.Want())]
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
