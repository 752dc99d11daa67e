package jwt_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/jwt"
)

// refusal is a token that must not pass.
type refusal struct {
	name, use, raw string
	want           error
}

// expectRefused runs the rows and demands the kind, no claims and no token in the text.
func expectRefused(t *testing.T, rows []refusal) {
	t.Helper()
	v := newVerifier(t, nil)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, err := verify(v, row.use, row.raw)
			if err == nil || c != (jwt.Claims{}) {
				t.Fatalf("accepted: %s", c.Payload())
			}
			if !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
			if _, ok := errors.AsType[*jwt.Error](err); !ok {
				t.Errorf("%T is not *Error", err)
			}
			for _, part := range strings.Split(row.raw, ".") {
				if len(part) > 10 && strings.Contains(err.Error(), part) {
					t.Errorf("error shows the token: %q", err)
				}
			}
		})
	}
}

func TestRefuseAlgorithms(t *testing.T) {
	t.Parallel()
	payload := accessClaims().json()
	var rows []refusal
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "RS256 ", "RSA-OAEP"} {
		header := fmt.Sprintf(`{"kid":%q,"alg":%q}`, keyID, alg)
		signed := b64([]byte(header)) + "." + b64([]byte(payload))
		rows = append(rows,
			refusal{"alg " + alg + " unsigned", "access", signed + ".", jwt.ErrAlgorithm},
			refusal{"alg " + alg + " signed", "access", signRaw(signingKey(), header, payload), jwt.ErrAlgorithm})
	}
	for name, header := range map[string]string{
		"missing": `{"kid":"` + keyID + `"}`, "ALG": `{"kid":"` + keyID + `","ALG":"RS256"}`,
	} {
		rows = append(rows, refusal{"alg " + name, "access", signRaw(signingKey(), header, payload), jwt.ErrAlgorithm})
	}
	for name, alg := range map[string]string{"null": `null`, "array": `["RS256"]`, "number": `256`, "twice": `"none","alg":"RS256"`} {
		header := `{"kid":"` + keyID + `","alg":` + alg + `}`
		rows = append(rows, refusal{"alg " + name, "access", signRaw(signingKey(), header, payload), jwt.ErrMalformed})
	}
	expectRefused(t, rows)
}

// TestRefuseHMACWithPublicKey: everything public about the key, used as a secret.
func TestRefuseHMACWithPublicKey(t *testing.T) {
	t.Parallel()
	public := &signingKey().PublicKey
	pkix, _ := x509.MarshalPKIXPublicKey(public)
	pkcs1 := x509.MarshalPKCS1PublicKey(public)
	secrets := map[string][]byte{
		"PKIX PEM":          pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}),
		"PKIX PEM trimmed":  []byte(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})))),
		"PKCS1 PEM":         pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
		"PKIX DER":          pkix,
		"PKCS1 DER":         pkcs1,
		"JWK":               []byte(jwkOf(keyID, public, "")),
		"JWKS":              []byte(jwks(jwkOf(keyID, public, ""))),
		"modulus":           public.N.Bytes(),
		"modulus base64url": []byte(b64(public.N.Bytes())),
		"empty":             nil,
	}
	hashes := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New, "RS256": sha256.New}
	var rows []refusal
	for name, secret := range secrets {
		for alg, newHash := range hashes {
			signed := b64([]byte(`{"kid":"`+keyID+`","alg":"`+alg+`"}`)) + "." + b64([]byte(accessClaims().json()))
			mac := hmac.New(newHash, secret)
			mac.Write([]byte(signed))
			want := jwt.ErrAlgorithm
			if alg == "RS256" {
				want = jwt.ErrSignature
			}
			rows = append(rows, refusal{alg + " " + name, "access", signed + "." + b64(mac.Sum(nil)), want})
		}
	}
	expectRefused(t, rows)
}

// TestRefuseKeysInHeader: a key that the token brings or points to is not used, and
// nobody is asked for it.
func TestRefuseKeysInHeader(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int32
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-accepting
		if n := connections.Load(); n != 0 {
			t.Errorf("%d connections to the address in the token", n)
		}
	})
	url := "http://" + listener.Addr().String() + "/keys.json"
	evil := otherKey()
	own := jwkOf("evil", &evil.PublicKey, "")
	pkix, _ := x509.MarshalPKIXPublicKey(&evil.PublicKey)
	var rows []refusal
	for name, extra := range map[string]string{
		"jwk": `"jwk":` + own, "jku": `"jku":"` + url + `"`, "x5u": `"x5u":"` + url + `"`,
		"x5c": `"x5c":["` + fmt.Sprintf("%x", pkix) + `"]`, "all": `"jwk":` + own + `,"jku":"` + url + `","x5u":"` + url + `"`,
	} {
		for kid, want := range map[string]error{keyID: jwt.ErrSignature, "evil": jwt.ErrUnknownKey, url: jwt.ErrUnknownKey} {
			header := fmt.Sprintf(`{"alg":"RS256","kid":%q,%s}`, kid, extra)
			rows = append(rows, refusal{name + " kid " + kid[:4], "access", signRaw(evil, header, accessClaims().json()), want})
		}
	}
	expectRefused(t, rows)
}

func TestRefuseHeaders(t *testing.T) {
	t.Parallel()
	payload := accessClaims().json()
	var rows []refusal
	for kid, want := range map[string]error{
		`"../../../../dev/null"`: jwt.ErrUnknownKey, `"' OR '1'='1"`: jwt.ErrUnknownKey, `"` + keyID + `\u0000"`: jwt.ErrUnknownKey,
		`" ` + keyID + `"`: jwt.ErrUnknownKey, `"` + strings.ToLower(keyID) + `"`: jwt.ErrUnknownKey,
		`"` + strings.TrimSuffix(keyID, "=") + `"`: jwt.ErrUnknownKey, `"` + strings.Repeat("k", 9000) + `"`: jwt.ErrUnknownKey,
		`""`: jwt.ErrMalformed, `null`: jwt.ErrMalformed, `1`: jwt.ErrMalformed, `["` + keyID + `"]`: jwt.ErrMalformed,
		`"x","kid":"` + keyID + `"`: jwt.ErrMalformed, `"` + keyID + `","\u006bid":"x"`: jwt.ErrMalformed,
	} {
		rows = append(rows, refusal{"kid " + kid[:min(len(kid), 30)], "access", signRaw(signingKey(), `{"alg":"RS256","kid":`+kid+`}`, payload), want})
	}
	for extra, want := range map[string]error{
		`"crit":["exp"]`: jwt.ErrMalformed, `"crit":[]`: jwt.ErrMalformed, `"crit":["b64"],"b64":false`: jwt.ErrMalformed, `"crit":null`: jwt.ErrMalformed,
		`"b64":false`: jwt.ErrMalformed, `"b64":true`: jwt.ErrMalformed, `"zip":"DEF"`: jwt.ErrMalformed, `"\u0063rit":["x"]`: jwt.ErrMalformed,
		`"typ":1`: jwt.ErrMalformed, `"typ":"logout+jwt"`: jwt.ErrUse, `"typ":"dpop+jwt"`: jwt.ErrUse, `"typ":"application/"`: jwt.ErrUse,
	} {
		rows = append(rows, refusal{extra, "access", signRaw(signingKey(), `{"alg":"RS256","kid":"`+keyID+`",`+extra+`}`, payload), want})
	}
	rows = append(rows,
		refusal{"no kid", "access", signRaw(signingKey(), `{"alg":"RS256"}`, payload), jwt.ErrMalformed},
		refusal{"KID", "access", signRaw(signingKey(), `{"alg":"RS256","KID":"`+keyID+`"}`, payload), jwt.ErrMalformed})
	expectRefused(t, rows)
}

func TestRefuseTimes(t *testing.T) {
	t.Parallel()
	now := clock.Unix()
	rows := []refusal{
		{"no exp", "access", sign(accessClaims().with("exp", nil).json()), jwt.ErrMalformed},
		{"no iat", "access", sign(accessClaims().with("iat", nil).json()), jwt.ErrMalformed},
		{"EXP", "access", sign(accessClaims().with("exp", nil).with("EXP", now+600).json()), jwt.ErrMalformed},
		{"expired this second", "access", sign(accessClaims().with("exp", now).json()), jwt.ErrExpired},
		{"ID token expired", "id", sign(idClaims().with("exp", now-1).json()), jwt.ErrExpired},
		{"iat in the future", "access", sign(accessClaims().with("iat", now+1).json()), jwt.ErrNotYetValid},
		{"nbf in the future", "access", sign(accessClaims().with("nbf", now+1).json()), jwt.ErrNotYetValid},
		{"nbf string", "access", sign(accessClaims().with("nbf", "x").json()), jwt.ErrMalformed},
		{"iat string", "access", sign(accessClaims().with("iat", "1").json()), jwt.ErrMalformed},
	}
	later := fmt.Sprint(now + 600)
	for text, want := range map[string]error{
		"0": jwt.ErrExpired, "-0": jwt.ErrExpired, "1": jwt.ErrExpired,
		"-1": jwt.ErrMalformed, "1e400": jwt.ErrMalformed, "1e10": jwt.ErrMalformed, later + ".0": jwt.ErrMalformed, later + ".5": jwt.ErrMalformed,
		"9223372036854775807": jwt.ErrMalformed, "9223372036854775808": jwt.ErrMalformed, "18446744073709551616": jwt.ErrMalformed,
		"-9223372036854775808": jwt.ErrMalformed, later + "000": jwt.ErrMalformed, "253402300800": jwt.ErrMalformed, strings.Repeat("9", 5000): jwt.ErrMalformed,
		`"` + later + `"`: jwt.ErrMalformed, `""`: jwt.ErrMalformed, "null": jwt.ErrMalformed, "true": jwt.ErrMalformed,
		"[" + later + "]": jwt.ErrMalformed, "{}": jwt.ErrMalformed,
		"0" + later: jwt.ErrMalformed, "+" + later: jwt.ErrMalformed, "0x7fffffff": jwt.ErrMalformed, "NaN": jwt.ErrMalformed, "Infinity": jwt.ErrMalformed,
		"1_780_400_000": jwt.ErrMalformed, later + ",\"exp\":" + later: jwt.ErrMalformed, "1,\"\\u0065xp\":" + later: jwt.ErrMalformed,
	} {
		payload := strings.Replace(accessClaims().with("exp", nil).json(), "{", `{"exp":`+text+",", 1)
		rows = append(rows, refusal{"exp " + text[:min(len(text), 24)], "access", sign(payload), want})
	}
	expectRefused(t, rows)
}

func TestRefuseOrigins(t *testing.T) {
	t.Parallel()
	access, id := accessClaims(), idClaims()
	a := func(name string, value any) string { return sign(access.with(name, value).json()) }
	i := func(name string, value any) string { return sign(id.with(name, value).json()) }
	expectRefused(t, []refusal{
		{"ID token as access token", "access", sign(id.json()), jwt.ErrUse},
		{"access token as ID token", "id", sign(access.json()), jwt.ErrUse},
		{"both clients, wrong use", "access", sign(id.with("client_id", client).json()), jwt.ErrUse},
		{"access token with aud as ID token", "id", a("aud", client), jwt.ErrUse},
		{"token_use missing", "access", a("token_use", nil), jwt.ErrUse},
		{"token_use Access", "access", a("token_use", "Access"), jwt.ErrUse},
		{"token_use array", "access", a("token_use", []string{"access"}), jwt.ErrUse},
		{"token_use refresh", "access", a("token_use", "refresh"), jwt.ErrUse},
		{"token_use with a Kelvin sign", "access", sign(strings.Replace(access.json(), "token_use", "to\u212aen_use", 1)), jwt.ErrUse},
		{"Token_Use", "access", sign(strings.Replace(access.json(), "token_use", "Token_Use", 1)), jwt.ErrUse},
		{"token_use twice", "access", sign(strings.Replace(access.json(), "{", `{"token_use":"id",`, 1)), jwt.ErrMalformed},
		{"iss missing", "access", a("iss", nil), jwt.ErrIssuer},
		{"iss of another pool", "access", a("iss", strings.Replace(issuer, "Ab1", "Ab2", 1)), jwt.ErrIssuer},
		{"iss with slash", "access", a("iss", issuer+"/"), jwt.ErrIssuer},
		{"iss longer", "access", a("iss", issuer+"4"), jwt.ErrIssuer},
		{"iss shorter", "access", a("iss", issuer[:len(issuer)-1]), jwt.ErrIssuer},
		{"iss upper case", "access", a("iss", strings.ToUpper(issuer)), jwt.ErrIssuer},
		{"iss array", "access", a("iss", []string{issuer}), jwt.ErrIssuer},
		{"ISS", "access", sign(access.with("iss", nil).with("ISS", issuer).json()), jwt.ErrIssuer},
		{"client_id missing", "access", a("client_id", nil), jwt.ErrClient},
		{"client_id other", "access", a("client_id", "other"), jwt.ErrClient},
		{"client_id empty", "access", a("client_id", ""), jwt.ErrClient},
		{"client_id array", "access", a("client_id", []string{client}), jwt.ErrClient},
		{"client_id in aud only", "access", sign(access.with("client_id", nil).with("aud", client).json()), jwt.ErrClient},
		{"Client_Id", "access", sign(access.with("client_id", "other").with("Client_Id", client).json()), jwt.ErrClient},
		{"aud missing", "id", i("aud", nil), jwt.ErrClient},
		{"aud other", "id", i("aud", "other"), jwt.ErrClient},
		{"aud empty array", "id", i("aud", []string{}), jwt.ErrClient},
		{"aud array of two", "id", i("aud", []string{client, "other"}), jwt.ErrClient},
		{"aud twice the same", "id", i("aud", []string{client, client}), jwt.ErrClient},
		{"aud nested array", "id", i("aud", [][]string{{client}}), jwt.ErrClient},
		{"aud object", "id", i("aud", claims{client: client}), jwt.ErrClient},
		{"aud number", "id", i("aud", 1), jwt.ErrClient},
		{"client_id of an ID token", "id", sign(id.with("aud", "other").with("client_id", client).json()), jwt.ErrClient},
		{"access aud number", "access", a("aud", 1), jwt.ErrMalformed},
		{"access aud mixed", "access", a("aud", []any{"x", 1}), jwt.ErrMalformed},
		{"sub missing", "access", a("sub", nil), jwt.ErrMalformed},
		{"sub empty", "access", a("sub", ""), jwt.ErrMalformed},
		{"sub number", "access", a("sub", 1), jwt.ErrMalformed},
		{"SUB", "access", sign(access.with("sub", nil).with("SUB", userID).json()), jwt.ErrMalformed},
		{"long s", "access", sign(access.with("sub", nil).with("ſub", userID).json()), jwt.ErrMalformed},
		{"sub twice", "access", sign(strings.Replace(access.json(), "{", `{"sub":"x",`, 1)), jwt.ErrMalformed},
		{"sub twice, escaped", "access", sign(strings.Replace(access.json(), "{", `{"\u0073ub":"x",`, 1)), jwt.ErrMalformed},
		{"groups twice", "access", sign(strings.Replace(access.json(), "{", `{"cognito:groups":["root"],`, 1)), jwt.ErrMalformed},
		{"twice inside", "access", a("x", json.RawMessage(`{"a":1,"a":2}`)), jwt.ErrMalformed},
	})
}

// TestRefuseOrder: what is wrong first is said first, and expiry last.
func TestRefuseOrder(t *testing.T) {
	t.Parallel()
	expired := accessClaims().with("exp", clock.Add(-time.Hour).Unix())
	forged := signRaw(otherKey(), goodHeader, expired.json())
	rows := []refusal{
		{"forged and expired", "access", forged, jwt.ErrSignature},
		{"forged and not JSON", "access", signRaw(otherKey(), goodHeader, "x"), jwt.ErrSignature},
		{"unknown key and expired", "access", signRaw(otherKey(), `{"kid":"x","alg":"RS256"}`, expired.json()), jwt.ErrUnknownKey},
		{"wrong use and expired", "id", sign(expired.json()), jwt.ErrUse},
		{"wrong client and expired", "access", sign(expired.with("client_id", "x").json()), jwt.ErrClient},
		{"wrong issuer, use, client and expired", "id", sign(expired.with("iss", "x").with("client_id", "x").json()), jwt.ErrIssuer},
		{"no exp and forged", "access", signRaw(otherKey(), goodHeader, accessClaims().with("exp", nil).json()), jwt.ErrSignature},
	}
	expectRefused(t, rows)
	_, err := verify(newVerifier(t, nil), "access", forged)
	if errors.Is(err, jwt.ErrExpired) {
		t.Errorf("a forged token counts as expired: %v", err)
	}
}
