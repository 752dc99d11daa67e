package identitypool

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/openid"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// proven is a login whose token was verified.
type proven struct {
	provider provider
	login    storage.Login
	client   string // the app client or audience of the token
	claims   jwt.Claims
	// tags are principal tags that were decided already; nil for the pool to map.
	tags map[string]string
}

// loginVerifier verifies the tokens of Logins.
type loginVerifier struct {
	providers *providers
	userPools UserPools
	remotes   *openid.Remotes
	clock     clock
	log       *slog.Logger
}

// prove verifies every token of Logins, in the order of the keys. A token that is
// refused refuses the call: it is not served without that login.
func (lv *loginVerifier) prove(ctx context.Context, set *PoolSettings, logins wire.Parameters) ([]proven, error) {
	var list []proven
	for _, key := range slices.Sorted(maps.Keys(logins)) {
		p, ok, err := lv.provider(ctx, set, key)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, refused(wire.MessageUnsupportedProvider)
		}
		if slices.ContainsFunc(list, func(other proven) bool { return other.provider.name == p.name }) {
			return nil, invalid("Logins has two tokens of the provider %s.", p.name)
		}
		one, err := lv.proveOne(ctx, p, logins[key])
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// provider finds the provider for the key of a login, which clients may have derived from
// a token that was issued before the service's public URL changed.
func (lv *loginVerifier) provider(ctx context.Context, set *PoolSettings, key string) (provider, bool, error) {
	p, ok := lv.providers.find(set, key)
	id := poolOfIssuer(key)
	if ok || id == "" || strings.Contains(key, "://") {
		return p, ok, nil
	}
	known, err := lv.userPools.KnownIssuer(ctx, id, key)
	if err != nil || !known {
		return provider{}, false, err
	}
	p, ok = lv.providers.userPool(set, id)
	return p, ok, nil
}

func (lv *loginVerifier) proveOne(ctx context.Context, p provider, token string) (proven, error) {
	verify := lv.proveOpenID
	if p.userPool != "" {
		verify = lv.proveUserPool
	}
	verified, err := verify(ctx, p, token)
	if err != nil {
		return proven{}, err
	}
	claims := verified.Claims()
	return proven{
		provider: p, login: storage.Login{Provider: p.name, Subject: claims.Subject()},
		client: p.client(claims.Audience()), claims: claims,
	}, nil
}

// proveUserPool verifies an ID token of one of this service's user pools.
func (lv *loginVerifier) proveUserPool(ctx context.Context, p provider, raw string) (*jwt.IDToken, error) {
	token, err := lv.userPools.VerifyID(ctx, p.userPool, raw)
	if err != nil {
		return nil, lv.userPoolRefusal(ctx, p, raw, err)
	}
	check, ok := p.clients[token.ClientID()]
	if !ok {
		return nil, refused(wire.MessageUnsupportedProvider)
	}
	if check {
		active, err := lv.userPools.Active(ctx, token)
		if err != nil {
			return nil, err
		}
		if !active {
			return nil, refused(wire.MessageTokenInactive)
		}
	}
	return token, nil
}

// userPoolRefusal reports first what is visible without a key.
func (lv *loginVerifier) userPoolRefusal(ctx context.Context, p provider, raw string, err error) error {
	decoded, malformed := jwt.Decode(raw)
	if malformed != nil {
		return refused(wire.MessageLoginNotCognito)
	}
	known, failure := lv.userPools.KnownIssuer(ctx, p.userPool, decoded.Issuer())
	switch {
	case failure != nil:
		return failure
	case !known:
		return refused(wire.MessageLoginIssuerMismatch)
	}
	return loginRefusal(err, decoded.Claims(), lv.clock)
}

// loginRefusal says in Cognito's words what is wrong with a token. The verifier
// reports an expired token only if its signature is right, so the exp that the answer
// repeats is the issuer's.
func loginRefusal(err error, claims jwt.Claims, clock clock) error {
	switch {
	case errors.Is(err, jwt.ErrKeysUnavailable):
		return err
	case errors.Is(err, jwt.ErrExpired):
		return wire.LoginTokenExpired(clock().Unix(), claims.Expiry().Unix())
	case errors.Is(err, jwt.ErrNotYetValid):
		return refused(wire.MessageLoginNotYetValid)
	case errors.Is(err, jwt.ErrIssuer):
		return refused(wire.MessageLoginIssuerMismatch)
	case errors.Is(err, jwt.ErrUse):
		return refused(wire.MessageLoginMissingAudience)
	case errors.Is(err, jwt.ErrClient):
		return refused(wire.MessageUnsupportedProvider)
	}
	return refused(wire.MessageLoginSignature)
}
