package jwt_test

import (
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
	if want := (jwt.Header{Algorithm: "RS256", KeyID: keyID}); u.Header != want {
		t.Errorf("Header = %+v, want %+v", u.Header, want)
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
	if u.Header.Algorithm != "none" || len(u.Signature()) != 0 || !u.Expiry().IsZero() {
		t.Errorf("got %+v, signature %x", u.Header, u.Signature())
	}
}

func TestDecodeLarge(t *testing.T) {
	t.Parallel()
	raw := sign(accessClaims().with("custom", strings.Repeat("x", 11000)).json())
	if len(raw) > 16<<10 {
		t.Fatalf("the test token has %d bytes", len(raw))
	}
	u, err := jwt.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Groups(); len(got) != 3 {
		t.Errorf("Groups = %q", got)
	}
	if _, err := verify(newVerifier(t, nil), jwt.UseAccess, raw); err != nil {
		t.Error(err)
	}
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
		{"16 KiB and one", good + strings.Repeat("A", 16<<10+1-len(good)), "token", "16 KiB"},
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
