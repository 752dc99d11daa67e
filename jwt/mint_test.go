package jwt_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

const (
	issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3"
	client = "1h57kf5cpq17m0eml12EXAMPLE"
	keyID  = "abcdefghijklmnopqrsexample0123456789ABCDEFG="
	userID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
)

// clock is the moment at which the test tokens are half way through their life.
var clock = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// signingKey and otherKey are two keys made for these tests; the issuer of most
// tests publishes the first. They are fixed so that a fuzzing worker, which is
// a process of its own, takes the same tokens for good as the one that seeded it.
var (
	signingKey = sync.OnceValue(func() *rsa.PrivateKey { return readKey("testdata/signing-key.pem") })
	otherKey   = sync.OnceValue(func() *rsa.PrivateKey { return readKey("testdata/other-key.pem") })
)

func readKey(path string) *rsa.PrivateKey {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	return key
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signRaw makes a token of header and payload exactly as given.
func signRaw(key *rsa.PrivateKey, header, payload string) string {
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return signed + "." + b64(signature)
}

const goodHeader = `{"kid":"` + keyID + `","alg":"RS256"}`

// sign makes a token with the usual header.
func sign(payload string) string { return signRaw(signingKey(), goodHeader, payload) }

// claims are a payload in the making; a nil value removes a claim.
type claims map[string]any

func (c claims) with(name string, value any) claims {
	changed := claims{}
	for n, v := range c {
		changed[n] = v
	}
	changed[name] = value
	if value == nil {
		delete(changed, name)
	}
	return changed
}

func (c claims) json() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func accessClaims() claims {
	return claims{
		"sub": userID, "iss": issuer, "client_id": client, "token_use": "access",
		"cognito:groups": []string{"admins", "editors", "readers"},
		"scope":          "aws.cognito.signin.user.admin openid email", "version": 2,
		"origin_jti": "11111111-2222-4333-8444-555555555555", "jti": "66666666-7777-4888-8999-000000000000",
		"event_id":  "99999999-aaaa-4bbb-8ccc-dddddddddddd",
		"auth_time": clock.Add(-30 * time.Minute).Unix(), "iat": clock.Add(-30 * time.Minute).Unix(),
		"exp": clock.Add(30 * time.Minute).Unix(), "username": "jane", "device_key": "eu-west-1_5f0e1d2c",
	}
}

func idClaims() claims {
	return claims{
		"sub": userID, "iss": issuer, "aud": client, "token_use": "id", "cognito:username": "jane",
		"cognito:groups":         []string{"admins", "editors"},
		"cognito:roles":          []string{"arn:aws:iam::123456789012:role/admin"},
		"cognito:preferred_role": "arn:aws:iam::123456789012:role/admin",
		"email":                  "jane@example.com", "email_verified": true, "name": "Jane Doe", "nonce": "n-0S6_WzA2Mj",
		"phone_number": "+15555550100", "phone_number_verified": "true",
		"custom:tenant": "blue", "custom:level": "7",
		"identities": []claims{{"userId": "1", "providerName": "Google", "primary": "true"}},
		"origin_jti": "11111111-2222-4333-8444-555555555555", "jti": "66666666-7777-4888-8999-000000000001",
		"event_id":  "99999999-aaaa-4bbb-8ccc-dddddddddddd",
		"auth_time": clock.Add(-30 * time.Minute).Unix(), "iat": clock.Add(-30 * time.Minute).Unix(),
		"exp": clock.Add(30 * time.Minute).Unix(),
	}
}

// typicalAccess is a token of the size that Cognito makes: 17 claims, about 1.37 kB.
func typicalAccess() string {
	return sign(accessClaims().with("custom_attribute", strings.Repeat("x", 45)).with("tenant", "blue-"+strings.Repeat("y", 68)).json())
}

// jwkOf returns a key as one JWKS entry; extra members are put at its end.
func jwkOf(kid string, key *rsa.PublicKey, extra string) string {
	return fmt.Sprintf(`{"alg":"RS256","e":"%s","kid":%q,"kty":"RSA","n":"%s","use":"sig"%s}`,
		b64(big.NewInt(int64(key.E)).Bytes()), kid, b64(key.N.Bytes()), extra)
}

func jwks(entries ...string) string { return `{"keys":[` + strings.Join(entries, ",") + `]}` }

func goodKeys() *jwt.KeySet {
	set, err := jwt.ParseKeys([]byte(jwks(jwkOf(keyID, &signingKey().PublicKey, ""))))
	if err != nil {
		panic(err)
	}
	return set
}

// newVerifier returns a verifier for the test tokens at the test clock. change may
// be nil.
func newVerifier(t testing.TB, change func(*jwt.Config)) *jwt.Verifier {
	t.Helper()
	config := jwt.Config{Issuer: issuer, ClientIDs: []string{client}, Keys: goodKeys(), Now: func() time.Time { return clock }}
	if change != nil {
		change(&config)
	}
	v, err := jwt.NewVerifier(config)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// verify calls the method for the use and returns the claims.
func verify(v *jwt.Verifier, use, raw string) (jwt.Claims, error) {
	if use == jwt.UseID {
		t, err := v.VerifyID(context.Background(), raw)
		if err != nil {
			return jwt.Claims{}, err
		}
		return t.Claims(), nil
	}
	t, err := v.VerifyAccess(context.Background(), raw)
	if err != nil {
		return jwt.Claims{}, err
	}
	return t.Claims(), nil
}
