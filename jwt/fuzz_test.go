package jwt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/jwt"
)

// FuzzDecode: what Decode takes is three parts of which it can give back every
// byte, whose payload encoding/json reads too, and whose printing is bounded.
func FuzzDecode(f *testing.F) {
	for _, raw := range []string{
		"", "a.b.c", "..", "e30.e30.", sign(accessClaims().json()), sign(idClaims().json()),
		b64([]byte(goodHeader)) + "." + b64([]byte(`{"\u0073ub":"\ud83d\ude00","aud":["x"],"exp":1e3}`)) + ".AAAA",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := jwt.Decode(raw)
		if err != nil {
			return
		}
		if again := b64(u.HeaderBytes()) + "." + b64(u.Payload()) + "." + b64(u.Signature()); again != raw || u.Raw() != raw {
			t.Errorf("%q became %q", raw, again)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(u.Payload(), &members); err != nil {
			t.Errorf("encoding/json refuses %q: %v", u.Payload(), err)
		}
		for name, want := range members {
			if got, ok := u.Lookup(name); !ok || string(got) != string(want) {
				t.Errorf("Lookup(%q) = %s, want %s", name, got, want)
			}
		}
		_, _, _, _ = u.Groups(), u.Audience(), u.CustomAttributes(), u.Expiry()
		if text := fmt.Sprintf("%+v", u); len(text) > 1000 || strings.ContainsAny(text, "\n\r\x1b") {
			t.Errorf("prints %q", text)
		}
	})
}

// FuzzVerify: nothing passes but the one good token.
func FuzzVerify(f *testing.F) {
	good := sign(accessClaims().json())
	v := newVerifier(f, nil)
	for _, raw := range []string{good, sign(accessClaims().with("exp", 1).json()), signRaw(otherKey(), goodHeader, accessClaims().json()), "e30.e30.", good + "."} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := v.VerifyAccess(context.Background(), raw); err == nil && raw != good {
			t.Errorf("accepted %q", raw)
		}
		if _, err := v.VerifyID(context.Background(), raw); err == nil {
			t.Errorf("accepted as ID token %q", raw)
		}
	})
}

// FuzzParseKeys: every key that is taken is safe to verify with.
func FuzzParseKeys(f *testing.F) {
	for _, doc := range []string{goodDocument(), jwks(withExponent(1)), jwks(`{"kty":"oct","kid":"x"}`, jwkOf("k", withBits(1024), "")), `{"keys":[]}`, "{}", "<html>"} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		set, err := jwt.ParseKeys(doc)
		if err != nil {
			return
		}
		var parsed struct {
			Keys []struct {
				KeyID any `json:"kid"`
			} `json:"keys"`
		}
		if err := json.Unmarshal(doc, &parsed); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", doc, err)
		}
		for _, k := range parsed.Keys {
			id, _ := k.KeyID.(string)
			key, err := set.Key(context.Background(), id)
			if err != nil {
				continue
			}
			if bits := key.N.BitLen(); bits < 2048 || bits > 8192 || key.N.Bit(0) == 0 || key.E < 3 || key.E%2 == 0 || id == "" {
				t.Errorf("took key %q: %d bits, e = %d", id, bits, key.E)
			}
		}
	})
}
