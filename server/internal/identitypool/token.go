package identitypool

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// openIDLife is how long the token of GetOpenIdToken lasts.
const openIDLife = 10 * time.Minute

// openIDClaims are the claims of an identity's own token. amr says whether it is a
// guest's, by which provider it was proven, and who it is there.
type openIDClaims struct {
	Subject  string     `json:"sub"`
	Audience string     `json:"aud"`
	Methods  []string   `json:"amr"`
	Issuer   string     `json:"iss"`
	Tags     *tagsClaim `json:"https://aws.amazon.com/tags,omitzero"`
	Expiry   int64      `json:"exp"`
	IssuedAt int64      `json:"iat"`
}

// tagsClaim holds principal tags as STS reads them (IAM user guide, "Passing
// session tags using AssumeRoleWithWebIdentity").
type tagsClaim struct {
	PrincipalTags map[string][]string `json:"principal_tags"`
}

// identityTokens signs and verifies the identities' own tokens.
type identityTokens struct {
	keys      *keys.Ring
	issuer    func(poolID string) string
	clock     clock
	log       *slog.Logger
	verifiers sync.Map // pool id → *jwt.Verifier
}

// mint signs a token for a visitor. It signs RS256, which all verifiers of OpenID tokens
// support; Cognito signs RS512.
func (it *identityTokens) mint(ctx context.Context, v *visitor, life time.Duration, tags map[string]string) (wire.Sensitive, error) {
	now := it.clock.now()
	claims := openIDClaims{
		Subject: v.identity.ID, Audience: v.pool.ID, Methods: v.methods(), Issuer: it.issuer(v.pool.ID),
		Expiry: now.Add(life).Unix(), IssuedAt: now.Unix(),
	}
	if len(tags) > 0 {
		claims.Tags = &tagsClaim{PrincipalTags: map[string][]string{}}
		for name, value := range tags {
			claims.Tags.PrincipalTags[name] = []string{value}
		}
	}
	signer, err := it.keys.Signer(ctx, v.pool.ID, keys.ID)
	if err != nil {
		return "", err
	}
	header, err := wire.Marshal(map[string]string{"kid": signer.KeyID, "alg": "RS256"})
	if err != nil {
		return "", err
	}
	payload, err := wire.Marshal(&claims)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString(header) + "." + b64.EncodeToString(payload)
	signature, err := signer.Sign(ctx, sha256.Sum256([]byte(text)))
	if err != nil {
		return "", err
	}
	text += "." + b64.EncodeToString(signature)
	if len(text) > wire.MaxToken {
		it.log.WarnContext(ctx, "an OpenID token is too long to be issued", "identity_pool", v.pool.ID, "length", len(text), "limit", wire.MaxToken)
		return "", wire.Exceptionf(wire.InvalidIdentityPoolConfigurationException,
			"The OpenID token would have %d characters; at most %d are possible. Map fewer claims to principal tags.", len(text), wire.MaxToken)
	}
	return wire.Sensitive(text), nil
}

// verify verifies a token of mint.
func (it *identityTokens) verify(ctx context.Context, poolID, raw string) (*jwt.IDToken, error) {
	decoded, err := jwt.Decode(raw)
	if err != nil {
		return nil, refused(wire.MessageLoginNotOpenID)
	}
	verifier, err := it.verifier(poolID)
	if err != nil {
		return nil, err
	}
	token, err := verifier.VerifyID(ctx, raw)
	if errors.Is(err, jwt.ErrClient) {
		return nil, refused(wire.MessageLoginsDoNotMatch)
	}
	if err != nil {
		return nil, loginRefusal(err, decoded.Claims(), it.clock)
	}
	return token, nil
}

func (it *identityTokens) verifier(poolID string) (*jwt.Verifier, error) {
	if v, ok := it.verifiers.Load(poolID); ok {
		return v.(*jwt.Verifier), nil
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: it.issuer(poolID), ClientIDs: []string{poolID}, OpenID: true,
		Keys: it.keys.Public(poolID), Now: it.clock, CacheSize: 256,
	})
	if err != nil {
		return nil, err
	}
	it.verifiers.Store(poolID, verifier)
	return verifier, nil
}

// methods is the amr claim.
func (v *visitor) methods() []string {
	if len(v.logins) == 0 {
		return []string{methodGuest}
	}
	methods := []string{methodAuthenticated}
	for _, p := range v.logins {
		detail := p.client
		switch {
		case p.provider.userPool != "":
			detail = "CognitoSignIn"
		case p.provider.developer:
			detail = v.pool.ID
		}
		methods = append(methods, p.provider.name, method(p.login, detail))
	}
	return methods
}

// The first entry of amr.
const (
	methodAuthenticated = "authenticated"
	methodGuest         = "unauthenticated"
)

// method is the entry of amr for the user at a provider.
func method(login storage.Login, detail string) string {
	return login.Provider + ":" + detail + ":" + login.Subject
}
