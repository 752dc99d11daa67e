package cognito

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// tokenOfLength is an unsigned token of exactly length bytes.
func tokenOfLength(t *testing.T, length int) string {
	t.Helper()
	b64 := base64.RawURLEncoding
	header := b64.EncodeToString([]byte(`{"alg":"RS256","kid":"k"}`))
	const claims = `{"sub":"u","iat":1,"exp":2,"pad":""}`
	fill := (length - len(header) - 2 - 4) * 3 / 4
	payload := b64.EncodeToString([]byte(strings.Replace(claims, `""`, `"`+strings.Repeat("p", fill-len(claims))+`"`, 1)))
	signature := strings.Repeat("A", length-len(header)-len(payload)-2)
	return header + "." + payload + "." + signature
}

// TestDecodePairBoundsTokens: the client reads what the service may issue, as package jwt
// does, and of a longer token it says what is wrong with it. No proxy is to blame.
func TestDecodePairBoundsTokens(t *testing.T) {
	t.Parallel()
	longest, longer := tokenOfLength(t, wire.MaxToken), tokenOfLength(t, wire.MaxToken+4)
	if len(longest) != wire.MaxToken {
		t.Fatalf("the token has %d bytes", len(longest))
	}
	if _, err := DecodePair(longest, longest); err != nil {
		t.Errorf("the longest token: %v", err)
	}
	if _, err := jwt.Decode(longest + "AAAA"); err == nil {
		t.Error("package jwt decodes longer tokens")
	}
	for name, pair := range map[string][2]string{"access": {longer, ""}, "id": {longest, longer}} {
		_, err := DecodePair(pair[0], pair[1])
		if !errors.Is(err, errTokenTooLong) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f := Malformed(OpRefresh, "cannot read the answer's tokens", err)
		if f.Retryable || strings.Contains(f.Hint, "proxy") || !strings.Contains(f.Hint, "groups") || !errors.Is(f.Kind, fault.Service) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := Malformed(OpRefresh, "", errors.New("other")); !f.Retryable || !strings.Contains(f.Hint, "proxy") {
		t.Errorf("another cause: %+v", f)
	}
}
