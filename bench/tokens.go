package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"time"

	peer "github.com/golang-jwt/jwt/v5"

	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/jwt"
)

const issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_aB3dEfGhI"

// tokenSet is an access token of Cognito's shape with all that checks it.
type tokenSet struct {
	key    *rsa.PrivateKey
	raw    string
	client string
	jwks   []byte
}

func newTokenSet() (*tokenSet, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	s := &tokenSet{key: key, client: "3n4b5urk1ft4fl3mg5e62d9ado"}
	const kid = "k1Aq6cVxQmZc0Jc8oYb6m0r0sX5bPzQe2v4hT9wLkXo="
	s.jwks, err = json.Marshal(map[string]any{"keys": []any{map[string]string{
		"alg": "RS256", "kty": "RSA", "use": "sig", "kid": kid,
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
	}}})
	if err != nil {
		return nil, err
	}
	now := time.Now().Unix()
	token := peer.NewWithClaims(peer.SigningMethodRS256, peer.MapClaims{
		"sub": "8d3f1c2e-4b5a-4c6d-8e7f-0123456789ab", "cognito:groups": []string{"admins", "staff", "everyone"},
		"iss": issuer, "version": 2, "client_id": s.client,
		"origin_jti": "0c8d6f0e-7a0b-4c43-9a35-0b9a3f1f2c11", "event_id": "5d7c6f0e-1a0b-4c43-9a35-0b9a3f1f2c22",
		"token_use": "access", "scope": "aws.cognito.signin.user.admin openid email profile",
		"auth_time": now, "exp": now + 3600, "iat": now, "jti": "1b7c6f0e-2a0b-4c43-9a35-0b9a3f1f2c33",
		"username": "8d3f1c2e-4b5a-4c6d-8e7f-0123456789ab", "device_key": "us-east-1_0f3c9a52-1111-4222-8333-444455556666",
		"custom:tenant": "northwind", "custom:plan": "enterprise",
	})
	token.Header["kid"] = kid
	delete(token.Header, "typ")
	s.raw, err = token.SignedString(key)
	return s, err
}

func benchTokens(b *bench) error {
	set, err := newTokenSet()
	if err != nil {
		return err
	}
	if err := b.decode(set); err != nil {
		return err
	}
	return b.verify(set)
}

func (b *bench) decode(set *tokenSet) error {
	parser := peer.NewParser()
	var failed error
	results := measure.Rounds(b.rounds,
		measure.Contestant{Name: "golang-jwt ParseUnverified, MapClaims", Op: func(n int) {
			for range n {
				if _, _, err := parser.ParseUnverified(set.raw, peer.MapClaims{}); err != nil {
					failed = err
				}
			}
		}},
		measure.Contestant{Name: "jwt.Decode", Op: func(n int) {
			for range n {
				if _, err := jwt.Decode(set.raw); err != nil {
					failed = err
				}
			}
		}})
	ratio := results[1].Over(results[0].Times(1))
	b.table([]string{fmt.Sprintf("access token, %d bytes", len(set.raw)), "CPU", "allocations", "ratio"}, [][]string{
		{results[0].Name, results[0].Range(), fmt.Sprintf("%.0f", results[0].Allocs), "1"},
		{results[1].Name, results[1].Range(), fmt.Sprintf("%.0f", results[1].Allocs), ratio.String()},
	})
	fmt.Fprintln(b.out)
	b.atMost(0.15, ratio.Median, "decode: of golang-jwt ParseUnverified")
	b.atMost(3, results[1].Allocs, "decode: allocations")
	return failed
}

func (b *bench) verify(set *tokenSet) error {
	keys, err := jwt.ParseKeys(set.jwks)
	if err != nil {
		return err
	}
	config := jwt.Config{Issuer: issuer, ClientIDs: []string{set.client}, Keys: keys}
	cached, err := jwt.NewVerifier(config)
	if err != nil {
		return err
	}
	config.CacheSize = -1
	uncached, err := jwt.NewVerifier(config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	signed := set.raw[:strings.LastIndexByte(set.raw, '.')]
	digest := sha256.Sum256([]byte(signed))
	signature, err := base64.RawURLEncoding.DecodeString(set.raw[len(signed)+1:])
	if err != nil {
		return err
	}
	var failed error
	op := func(f func() error) func(int) {
		return func(n int) {
			for range n {
				if err := f(); err != nil {
					failed = err
				}
			}
		}
	}
	results := measure.Rounds(b.rounds,
		measure.Contestant{Name: "rsa.VerifyPKCS1v15 alone", Op: op(func() error {
			return rsa.VerifyPKCS1v15(&set.key.PublicKey, crypto.SHA256, digest[:], signature)
		})},
		measure.Contestant{Name: "golang-jwt, MapClaims, RS256 only, issuer", Op: op(func() error {
			_, err := peer.Parse(set.raw, func(*peer.Token) (any, error) { return &set.key.PublicKey, nil },
				peer.WithValidMethods([]string{"RS256"}), peer.WithIssuer(issuer))
			return err
		})},
		measure.Contestant{Name: "Verifier.VerifyAccess, not remembered", Op: op(func() error {
			_, err := uncached.VerifyAccess(ctx, set.raw)
			return err
		})},
		measure.Contestant{Name: "Verifier.VerifyAccess, the same token again", Op: op(func() error {
			_, err := cached.VerifyAccess(ctx, set.raw)
			return err
		})})
	var rows [][]string
	for _, r := range results {
		rows = append(rows, []string{r.Name, r.Range(), fmt.Sprintf("%.0f", r.Allocs),
			r.Over(results[0].Times(1)).String(), r.Over(results[1].Times(1)).String()})
	}
	b.table([]string{"verify", "CPU", "allocations", "of crypto/rsa", "of golang-jwt"}, rows)
	b.atMost(1.12, results[2].Over(results[0].Times(1)).Median, "verify: of rsa.VerifyPKCS1v15 alone")
	b.atMost(0.01, results[3].Over(results[1].Times(1)).Median, "verify again: of golang-jwt's verification")
	b.atMost(0, results[3].Allocs, "verify again: allocations")
	return failed
}
