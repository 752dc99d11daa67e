package jwt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/jwt"
)

// TestPrintingNeverLeaks prints each type in every way Go has and looks for any
// part of the token and for its personal claims.
func TestPrintingNeverLeaks(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, nil)
	rawID, rawAccess := sign(idClaims().json()), sign(accessClaims().json())
	id, err := v.VerifyID(context.Background(), rawID)
	if err != nil {
		t.Fatal(err)
	}
	access, err := v.VerifyAccess(context.Background(), rawAccess)
	if err != nil {
		t.Fatal(err)
	}
	unverified, err := jwt.Decode(rawID)
	if err != nil {
		t.Fatal(err)
	}
	secrets := append(strings.Split(rawID, "."), strings.Split(rawAccess, ".")...)
	secrets = append(secrets, "jane", "n-0S6_WzA2Mj", "admins")
	type holder struct {
		Shown  any
		hidden any
		value  jwt.AccessToken
		seen   jwt.Unverified
	}
	for _, value := range []any{
		id, *id, access, *access, unverified, *unverified, id.Claims(), []any{access}, map[string]any{"t": id},
		holder{Shown: id, hidden: *access, value: *access, seen: *unverified}, &holder{hidden: unverified},
	} {
		for way, text := range printings(t, value) {
			for _, secret := range secrets {
				if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
					t.Errorf("%T with %s shows %.12q…: %.200s", value, way, secret, text)
				}
			}
		}
	}
	if got, want := fmt.Sprint(access), `jwt(verified access token, sub "`+userID+`", expires 2026-06-01T12:30:00Z)`; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
	if access.GoString() != access.String() || access.LogValue().String() != access.String() {
		t.Errorf("GoString %s, LogValue %s", access.GoString(), access.LogValue())
	}
	if got := unverified.String(); !strings.HasPrefix(got, "jwt(unverified id token, sub ") {
		t.Errorf("summary %q", got)
	}
}

func printings(t *testing.T, value any) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		texts[verb] = fmt.Sprintf(verb, value)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Error(err)
	}
	texts["json"] = string(encoded)
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", value)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", value)
	texts["slog"] = out.String()
	texts["error"] = fmt.Errorf("failed with %v", value).Error()
	return texts
}

// TestPrintingEscapes: an unverified token cannot forge lines of a log.
func TestPrintingEscapes(t *testing.T) {
	t.Parallel()
	sub := "x\nlevel=ERROR \x1b[31m " + strings.Repeat("y", 200)
	text := decode(t, claims{"sub": sub, "token_use": "admin\n"}.json()).String()
	if strings.ContainsAny(text, "\n\x1b") || len(text) > 200 {
		t.Errorf("summary %q", text)
	}
}

// TestClaimsJSON checks the members of the JSON of tokens.
func TestClaimsJSON(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 300)
	read := func(payload claims) jwt.Claims { return decode(t, payload.json()) }
	for name, test := range map[string]struct {
		claims jwt.Claims
		want   string
	}{
		"zero":  {jwt.Claims{}, `null`},
		"empty": {read(claims{}), `{"verified":false}`},
		"access": {
			read(claims{"sub": "6f1e", "token_use": "access", "client_id": "web", "iss": "https://x/p", "iat": 1780315200, "exp": 1780318800, "username": "jane", "cognito:groups": []string{"admins"}}),
			`{"verified":false,"token_use":"access","sub":"6f1e","client_id":"web","iss":"https://x/p","issued_at":"2026-06-01T12:00:00Z","expires_at":"2026-06-01T13:00:00Z"}`,
		},
		"cut and escaped": {read(claims{"sub": long, "iss": "\n\x1b"}), `{"verified":false,"sub":"` + strings.Repeat("é", 128) + `…","iss":"\n\u001b"}`},
	} {
		got, err := json.Marshal(test.claims)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %s, %v\nwant %s", name, got, err, test.want)
		}
	}
}
