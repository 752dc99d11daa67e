package identitypool

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/internal/wire"
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

// GetOpenIdToken gives the identity's own token, with which the client goes to STS
// itself (the basic flow).
func (s *Service) GetOpenIdToken(ctx context.Context, in *wire.GetOpenIdTokenRequest) (*wire.GetOpenIdTokenResponse, error) {
	if _, ok := in.Logins[ownProvider]; ok {
		// A token that gets the next one would never end.
		return nil, refused(wire.MessageUnsupportedProvider)
	}
	v, err := s.admit(ctx, in.IdentityId, in.Logins, classicFlow)
	if err != nil {
		return nil, err
	}
	var tags map[string]string
	if len(v.logins) > 0 {
		tags = s.principalTags(ctx, v, &v.logins[0])
	}
	token, err := s.mint(ctx, v, openIDLife, tags)
	if err != nil {
		return nil, err
	}
	return &wire.GetOpenIdTokenResponse{IdentityId: v.identity.ID, Token: token}, nil
}

// mint signs a token for a visitor. RS256 is what verifiers of OpenID tokens know,
// where Cognito signs RS512.
func (s *Service) mint(ctx context.Context, v *visitor, life time.Duration, tags map[string]string) (wire.Sensitive, error) {
	now := s.now()
	claims := openIDClaims{
		Subject: v.identity.ID, Audience: v.pool.ID, Methods: v.methods(), Issuer: s.issuer(v.pool.ID),
		Expiry: now.Add(life).Unix(), IssuedAt: now.Unix(),
	}
	if len(tags) > 0 {
		claims.Tags = &tagsClaim{PrincipalTags: map[string][]string{}}
		for name, value := range tags {
			claims.Tags.PrincipalTags[name] = []string{value}
		}
	}
	signer, err := s.keys.Signer(ctx, v.pool.ID, keys.ID)
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
		s.log.WarnContext(ctx, "an OpenID token is too long to be issued", "identity_pool", v.pool.ID, "length", len(text), "limit", wire.MaxToken)
		return "", wire.Exceptionf(wire.InvalidIdentityPoolConfigurationException,
			"The OpenID token would have %d characters; at most %d are possible. Map fewer claims to principal tags.", len(text), wire.MaxToken)
	}
	return wire.Sensitive(text), nil
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

// method is the entry of amr that says who somebody is at a provider.
func method(login storage.Login, detail string) string {
	return login.Provider + ":" + detail + ":" + login.Subject
}
