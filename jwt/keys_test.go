package jwt_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/jwt"
)

// weakKeys are keys that no set may take. Only their public parts are needed.
func withExponent(e int64) string {
	return jwkOf("bad", &rsa.PublicKey{N: signingKey().N, E: int(e)}, "")
}

func withBits(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	key := &signingKey().PublicKey
	good := jwkOf("good", key, "")
	odd := jwkOf("bad", key, "")
	n, e := b64(key.N.Bytes()), "AQAB"
	// Each entry stands beside a good key: that one stays usable, and "bad" is not.
	for name, entry := range map[string]string{
		"oct":               `{"kty":"oct","kid":"bad","alg":"HS256","k":"AAAA"}`,
		"EC":                `{"kty":"EC","kid":"bad","crv":"P-256","x":"AAAA","y":"AAAA"}`,
		"unknown kty":       `{"kty":"XYZ","kid":"bad","what":{"ever":[1,2]}}`,
		"kty in lower case": `{"kty":"rsa","kid":"bad","n":"` + n + `","e":"` + e + `"}`,
		"no kty":            `{"kid":"bad","n":"` + n + `","e":"` + e + `"}`,
		"kty number":        `{"kty":1,"kid":"bad"}`,
		"empty entry":       `{}`,
		"no kid":            `{"kty":"RSA","n":"` + n + `","e":"` + e + `"}`,
		"kid number":        `{"kty":"RSA","kid":1,"n":"` + n + `","e":"` + e + `"}`,
		"KID":               `{"kty":"RSA","KID":"bad","n":"` + n + `","e":"` + e + `"}`,
		"use enc":           strings.Replace(odd, `"use":"sig"`, `"use":"enc"`, 1),
		"use SIG":           strings.Replace(odd, `"use":"sig"`, `"use":"SIG"`, 1),
		"use array":         strings.Replace(odd, `"use":"sig"`, `"use":["sig"]`, 1),
		"alg RS512":         strings.Replace(odd, `"alg":"RS256"`, `"alg":"RS512"`, 1),
		"alg HS256":         strings.Replace(odd, `"alg":"RS256"`, `"alg":"HS256"`, 1),
		"alg null":          strings.Replace(odd, `"alg":"RS256"`, `"alg":null`, 1),
		"key_ops sign":      jwkOf("bad", key, `,"key_ops":["sign"]`),
		"key_ops empty":     jwkOf("bad", key, `,"key_ops":[]`),
		"key_ops string":    jwkOf("bad", key, `,"key_ops":"verify"`),
		"private":           jwkOf("bad", &otherKey().PublicKey, `,"d":"AQAB"`),
		"private prime":     jwkOf("bad", &otherKey().PublicKey, `,"p":"AQAB"`),
		"e 0":               strings.Replace(odd, e, "AA", 1),
		"e 1":               withExponent(1),
		"e 2":               withExponent(2),
		"e even":            withExponent(65536),
		"e 2^31+1":          withExponent(1<<31 + 1),
		"e huge":            strings.Replace(odd, e, strings.Repeat("_", 400), 1),
		"e missing":         `{"kty":"RSA","kid":"bad","n":"` + n + `"}`,
		"e number":          `{"kty":"RSA","kid":"bad","n":"` + n + `","e":65537}`,
		"e padded":          strings.Replace(odd, e, "AQAB=", 1),
		"n missing":         `{"kty":"RSA","kid":"bad","e":"` + e + `"}`,
		"n empty":           strings.Replace(odd, n, "", 1),
		"n plain base64":    strings.Replace(odd, n, "+/"+n[2:], 1),
		"n with line end":   strings.Replace(odd, n, n[:4]+`\n`+n[4:], 1),
		"n even":            jwkOf("bad", &rsa.PublicKey{N: new(big.Int).Sub(key.N, big.NewInt(1)), E: 65537}, ""),
		"1024 bits":         jwkOf("bad", withBits(1024), ""),
		"2047 bits":         jwkOf("bad", withBits(2047), ""),
		"8193 bits":         jwkOf("bad", withBits(8193), ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := jwt.ParseKeys([]byte(jwks(entry, good)))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := set.Key(context.Background(), "good"); err != nil || !got.Equal(key) {
				t.Errorf("the good key: %v", err)
			}
			for _, id := range []string{"bad", ""} {
				if got, err := set.Key(context.Background(), id); got != nil || !errors.Is(err, jwt.ErrUnknownKey) {
					t.Errorf("Key(%q) = %v, %v", id, got, err)
				}
			}
			if _, err := jwt.ParseKeys([]byte(jwks(entry))); err == nil {
				t.Error("a set of this key alone is accepted")
			}
		})
	}
}

func TestParseKeysTakes(t *testing.T) {
	t.Parallel()
	key := &signingKey().PublicKey
	n, e := b64(key.N.Bytes()), "AQAB"
	good, weak := jwkOf("k", key, ""), jwkOf("k", withBits(1024), "")
	other := jwkOf("k", &otherKey().PublicKey, "")
	for name, doc := range map[string]string{
		"same kid for enc":           jwks(good, strings.Replace(other, `"use":"sig"`, `"use":"enc"`, 1)),
		"same kid for enc first":     jwks(strings.Replace(other, `"use":"sig"`, `"use":"enc"`, 1), good),
		"same kid and key for enc":   jwks(good, strings.Replace(good, `"use":"sig"`, `"use":"enc"`, 1)),
		"same kid for RS512":         jwks(strings.Replace(good, "RS256", "RS512", 1), good),
		"same kid for encrypt":       jwks(jwkOf("k", &otherKey().PublicKey, `,"key_ops":["encrypt"]`), good),
		"same kid of a weak key":     jwks(good, weak),
		"weak key of that kid first": jwks(weak, good),
		"two weak keys of that kid":  jwks(weak, weak, good),
		"same entry twice":           jwks(good, good),
		"same key without alg":       jwks(good, strings.Replace(good, `"alg":"RS256",`, "", 1)),
		"null entries":               jwks("null", good, "null"),
		"other kinds of entries":     jwks(`"x"`, `"{}"`, "1", "true", "[]", `[{"kty":"RSA"}]`, good),
		"an entry's member twice":    jwks(strings.Replace(other, "{", `{"kid":"x",`, 1), good),
		"a nested member twice":      jwks(jwkOf("k", &otherKey().PublicKey, `,"x":{"a":1,"a":2}`), good),
		"a lone surrogate":           jwks(jwkOf("k", &otherKey().PublicKey, `,"x":"\ud800"`), `{"\udc00":1,"a\ud83d":2}`, good),
		"a long name":                jwks(`{"`+strings.Repeat("x", 1<<16)+`":1}`, good),
		"bare":                       jwks(`{"kty":"RSA","kid":"k","n":"` + n + `","e":"` + e + `"}`),
		"key_ops":                    jwks(jwkOf("k", key, `,"key_ops":["x","verify"]`)),
		"certificates":               jwks(jwkOf("k", key, `,"x5c":["AAAA"],"x5t":"AAAA"`)),
		"escaped":                    strings.ReplaceAll(jwks(jwkOf("k", key, "")), `"kid"`, `"\u006bid"`),
		"other members":              `{"x":{"keys":[]},"keys":[` + jwkOf("k", key, "") + `],"KEYS":[]}`,
		"EC of that kid":             jwks(`{"kty":"EC","kid":"k"}`, jwkOf("k", key, "")),
		"100 entries":                jwks(append(repeated(`{"kty":"EC"}`, 99), jwkOf("k", key, ""))...),
	} {
		set, err := jwt.ParseKeys([]byte(doc))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := set.Key(context.Background(), "k"); err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func repeated(entry string, n int) []string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = entry
	}
	return entries
}

func TestParseKeysRefuses(t *testing.T) {
	t.Parallel()
	good := jwkOf("k", &signingKey().PublicKey, "")
	other := jwkOf("k", &otherKey().PublicKey, "")
	for name, doc := range map[string]string{
		"empty":                "",
		"HTML":                 "<!DOCTYPE html><html></html>",
		"array":                "[" + good + "]",
		"one key":              good,
		"no keys":              `{"keys":[]}`,
		"keys object":          `{"keys":{}}`,
		"keys null":            `{"keys":null}`,
		"KEYS":                 `{"KEYS":[` + good + `]}`,
		"keys twice":           `{"keys":[],"keys":[` + good + `]}`,
		"only null":            jwks("null"),
		"only a string":        jwks(`"x"`),
		"member twice":         jwks(strings.Replace(good, "{", `{"kid":"x",`, 1)),
		"same kid":             jwks(good, other),
		"same kid, enc too":    jwks(strings.Replace(good, `"use":"sig"`, `"use":"enc"`, 1), good, other),
		"one of two exponents": jwks(good, jwkOf("k", &rsa.PublicKey{N: signingKey().N, E: 3}, "")),
		"100 null and a key":   jwks(append(repeated("null", 100), good)...),
		"101 entries":          jwks(append(repeated(`{"kty":"EC"}`, 100), good)...),
		"trailing data":        jwks(good) + "x",
		"not UTF-8":            jwks(strings.Replace(good, `"k"`, "\"\xff\"", 1)),
		"larger than 1 MiB":    jwks(good) + strings.Repeat(" ", 1<<20),
		"deep":                 `{"keys":[` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `]}`,
	} {
		if set, err := jwt.ParseKeys([]byte(doc)); err == nil || set != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestParseKeysPublishedPrivatePart: a private part anywhere in the set, also in an
// entry that is passed over, makes every entry of that key unusable.
func TestParseKeysPublishedPrivatePart(t *testing.T) {
	t.Parallel()
	key := &signingKey().PublicKey
	good, other := jwkOf("k", key, ""), jwkOf("other", &otherKey().PublicKey, "")
	for name, entry := range map[string]string{
		"same kid":         jwkOf("k", key, `,"d":"AQAB"`),
		"another kid":      jwkOf("x", key, `,"d":"AQAB"`),
		"no kid":           jwkOf("", key, `,"d":"AQAB"`),
		"for enc":          strings.Replace(jwkOf("k", key, `,"d":"AQAB"`), `"use":"sig"`, `"use":"enc"`, 1),
		"for RS512":        strings.Replace(jwkOf("k", key, `,"d":"AQAB"`), "RS256", "RS512", 1),
		"prime":            jwkOf("k", key, `,"q":"AQAB"`),
		"CRT exponent":     jwkOf("k", key, `,"dp":"AQAB"`),
		"CRT coefficient":  jwkOf("k", key, `,"qi":"AQAB"`),
		"further primes":   jwkOf("k", key, `,"oth":[]`),
		"another exponent": jwkOf("k", &rsa.PublicKey{N: key.N, E: 3}, `,"d":"AQAB"`),
	} {
		for _, doc := range []string{jwks(good, entry, other), jwks(entry, good, other)} {
			set, err := jwt.ParseKeys([]byte(doc))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got, err := set.Key(t.Context(), "k"); got != nil || !errors.Is(err, jwt.ErrUnknownKey) || !strings.Contains(err.Error(), "private") {
				t.Errorf("%s: got a key or the wrong error: %v", name, err)
			}
			if _, err := set.Key(t.Context(), "other"); err != nil {
				t.Errorf("%s: the other key: %v", name, err)
			}
		}
	}
}

// TestParseKeysSaysWhy: a token under a refused key gets the reason.
func TestParseKeysSaysWhy(t *testing.T) {
	t.Parallel()
	set, err := jwt.ParseKeys([]byte(jwks(withExponent(1), jwkOf("good", &signingKey().PublicKey, ""))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Key(context.Background(), "bad"); err == nil || !strings.Contains(err.Error(), "exponent") {
		t.Errorf("got %v", err)
	}
	_, err = jwt.ParseKeys([]byte(jwks(jwkOf("weak", withBits(1024), ""))))
	if err == nil || !strings.Contains(err.Error(), "1024 bits") {
		t.Errorf("got %v", err)
	}
}

// TestWeakKeyForgery: with e = 1 a signature is the padded hash itself; anybody can
// write one. The key is left out, so the token fails.
func TestWeakKeyForgery(t *testing.T) {
	t.Parallel()
	keys, err := jwt.ParseKeys([]byte(jwks(withExponent(1), jwkOf(keyID, &signingKey().PublicKey, ""))))
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, func(c *jwt.Config) { c.Keys = keys })
	raw := signRaw(signingKey(), `{"alg":"RS256","kid":"bad"}`, accessClaims().json())
	if _, err := verify(v, "access", raw); !errors.Is(err, jwt.ErrUnknownKey) {
		t.Errorf("got %v", err)
	}
}

// keyFunc lets a test be the source.
type keyFunc func(keyID string) (*rsa.PublicKey, error)

func (f keyFunc) Key(_ context.Context, keyID string) (*rsa.PublicKey, error) { return f(keyID) }

// TestForeignKeySource: a source that others wrote is not trusted blindly.
func TestForeignKeySource(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		source keyFunc
		want   error
	}{
		"fails":         {func(string) (*rsa.PublicKey, error) { return nil, errors.New("database is down") }, jwt.ErrKeysUnavailable},
		"does not know": {func(string) (*rsa.PublicKey, error) { return nil, fmt.Errorf("mine: %w", jwt.ErrUnknownKey) }, jwt.ErrUnknownKey},
		"nil key":       {func(string) (*rsa.PublicKey, error) { return nil, nil }, jwt.ErrUnknownKey},
		"empty key":     {func(string) (*rsa.PublicKey, error) { return &rsa.PublicKey{}, nil }, jwt.ErrUnknownKey},
		"short key":     {func(string) (*rsa.PublicKey, error) { return withBits(1024), nil }, jwt.ErrUnknownKey},
		"e 1":           {func(string) (*rsa.PublicKey, error) { return &rsa.PublicKey{N: signingKey().N, E: 1}, nil }, jwt.ErrUnknownKey},
		"even modulus": {func(string) (*rsa.PublicKey, error) {
			return &rsa.PublicKey{N: new(big.Int).Lsh(signingKey().N, 1), E: 3}, nil
		}, jwt.ErrUnknownKey},
		"good": {func(string) (*rsa.PublicKey, error) { return &signingKey().PublicKey, nil }, nil},
	} {
		v := newVerifier(t, func(c *jwt.Config) { c.Keys = row.source })
		if _, err := verify(v, "access", sign(accessClaims().json())); !errors.Is(err, row.want) {
			t.Errorf("%s: got %v, want %v", name, err, row.want)
		}
	}
}
