package jwt_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/jwt"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	raw := sign(idClaims().json())
	u, err := jwt.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if u.Raw() != raw {
		t.Error("Raw is not the token")
	}
	if want := (jwt.Header{Algorithm: "RS256", KeyID: keyID}); u.Header() != want {
		t.Errorf("Header = %+v, want %+v", u.Header(), want)
	}
	if got := string(u.HeaderBytes()); got != goodHeader {
		t.Errorf("HeaderBytes = %s", got)
	}
	if got := b64(u.Signature()); got != raw[strings.LastIndexByte(raw, '.')+1:] {
		t.Errorf("Signature = %s", got)
	}
	if got := string(u.Payload()); got != idClaims().json() {
		t.Errorf("Payload = %s", got)
	}
	if u.Subject() != userID || u.Email() != "jane@example.com" {
		t.Errorf("claims: sub %q email %q", u.Subject(), u.Email())
	}
}

// TestDecodeUnsigned: an unsigned token (RFC 7519 section 6) can be shown.
func TestDecodeUnsigned(t *testing.T) {
	t.Parallel()
	u, err := jwt.Decode(b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(`{}`)) + ".")
	if err != nil {
		t.Fatal(err)
	}
	if u.Header().Algorithm != "none" || len(u.Signature()) != 0 || !u.Expiry().IsZero() {
		t.Errorf("got %+v, signature %x", u.Header(), u.Signature())
	}
}

// padded returns a good access token of exactly size bytes.
func padded(t *testing.T, size int) string {
	t.Helper()
	length := base64.RawURLEncoding.EncodedLen
	fixed := len(accessClaims().with("custom", "").json())
	for spaces := range 3 {
		header := strings.Replace(goodHeader, "{", "{"+strings.Repeat(" ", spaces), 1)
		space := size - length(len(header)) - length(signingKey().Size()) - 2
		if n := space * 3 / 4; length(n) == space {
			return signRaw(signingKey(), header, accessClaims().with("custom", strings.Repeat("x", n-fixed)).json())
		}
	}
	t.Fatalf("no token of %d bytes", size)
	return ""
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	good := sign(accessClaims().json())
	parts := strings.Split(good, ".")
	h, p, s := parts[0], parts[1], parts[2]
	for _, row := range []struct{ name, raw, part, hint string }{
		{"empty", "", "token", "empty"},
		{"spaces", "  \n", "token", "empty"},
		{"word", "hello", "token", "no dots"},
		{"two parts", h + "." + p, "token", "cut short"},
		{"four parts", good + ".", "token", "more than three"},
		{"refresh token", "a.b.c.d.e", "token", "refresh token"},
		{"one byte too long", good + strings.Repeat("A", 50_001-len(good)), "token", "larger than 50000 bytes"},
		{"bearer", "Bearer " + good, "header", "Bearer"},
		{"quotes", `"` + good + `"`, "header", "quotes"},
		{"line end", good + "\n", "signature", "line end"},
		{"wrapped", h + "." + p[:40] + "\r\n" + p[40:] + "." + s, "payload", "line end"},
		{"padded", h + "." + p + "." + s + "==", "signature", "padded base64"},
		{"plain base64", h + "." + "+/+/" + "." + s, "payload", "plain"},
		{"header not base64", "!!!!." + p + "." + s, "header", "base64url"},
		{"header not JSON", b64([]byte("hi")) + "." + p + "." + s, "header", "JSON object"},
		{"header array", b64([]byte("[]")) + "." + p + "." + s, "header", "JSON object"},
		{"header empty", "." + p + "." + s, "header", "JSON object"},
		{"alg number", b64([]byte(`{"alg":1}`)) + "." + p + "." + s, "header", "alg is not a string"},
		{"payload not JSON", h + "." + b64([]byte("{")) + "." + s, "payload", "byte 1"},
		{"payload string", h + "." + b64([]byte(`"x"`)) + "." + s, "payload", "JSON object"},
		{"payload twice", h + "." + b64([]byte(`{"a":1,"a":2}`)) + "." + s, "payload", `"a" stands twice`},
		{"signature changed", h + "." + p + ".!" + s, "signature", "base64url"},
		{"signature of one letter", h + "." + p + ".A", "signature", "base64url"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			u, err := jwt.Decode(row.raw)
			if u != nil || !errors.Is(err, jwt.ErrMalformed) {
				t.Fatalf("Decode = %v, %v; want ErrMalformed", u, err)
			}
			e, ok := errors.AsType[*jwt.Error](err)
			if !ok || e.Part != row.part {
				t.Errorf("Part = %q, want %q (%v)", e.Part, row.part, err)
			}
			if !strings.Contains(err.Error(), row.hint) {
				t.Errorf("error %q does not say %q", err, row.hint)
			}
			for _, part := range strings.Split(row.raw, ".") {
				if len(part) > 10 && strings.Contains(err.Error(), part) {
					t.Errorf("error shows the token: %q", err)
				}
			}
		})
	}
}
