package jwt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/jwt"
)

// numbered returns n distinct texts of size bytes.
func numbered(n, size int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("%03d-", i) + strings.Repeat("g", size-4)
	}
	return texts
}

// TestManyGroups: users in as many groups as Cognito allows have tokens of more than
// 16 KiB, which can be decoded and verified.
func TestManyGroups(t *testing.T) {
	t.Parallel()
	long, short := numbered(100, 128), numbered(100, 40)
	roles := make([]string, len(short))
	for i, name := range short {
		roles[i] = "arn:aws:iam::123456789012:role/cognito/" + name
	}
	for name, row := range map[string]struct {
		use     string
		payload claims
		groups  []string
	}{
		"access token, names of 128": {jwt.UseAccess, accessClaims().with("cognito:groups", long), long},
		"ID token, names of 128":     {jwt.UseID, idClaims().with("cognito:groups", long), long},
		"ID token with roles":        {jwt.UseID, idClaims().with("cognito:groups", short).with("cognito:roles", roles), short},
		"ID token with both":         {jwt.UseID, idClaims().with("cognito:groups", long).with("cognito:roles", roles), long},
	} {
		raw := sign(row.payload.json())
		if len(raw) <= 16<<10 {
			t.Fatalf("%s: the token has only %d bytes", name, len(raw))
		}
		decoded, err := jwt.Decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(row.groups, decoded.Groups()); diff != "" {
			t.Errorf("%s: groups (-want +got):\n%s", name, diff)
		}
		if _, err := verify(newVerifier(t, nil), row.use, raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMaxTokenBytes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ limit, size int }{{0, 50_000}, {4_000, 4_000}, {120_000, 120_000}} {
		v := newVerifier(t, func(c *jwt.Config) { c.MaxTokenBytes = row.limit })
		if _, err := verify(v, jwt.UseAccess, padded(t, row.size)); err != nil {
			t.Errorf("MaxTokenBytes %d, %d bytes: %v", row.limit, row.size, err)
		}
		_, err := verify(v, jwt.UseAccess, padded(t, row.size+1))
		if e, ok := errors.AsType[*jwt.Error](err); !ok || !errors.Is(err, jwt.ErrMalformed) || e.Part != "token" || !strings.Contains(err.Error(), fmt.Sprint(row.size)) {
			t.Errorf("MaxTokenBytes %d, one byte more: %v", row.limit, err)
		}
	}
	if _, err := jwt.Decode(padded(t, 50_000)); err != nil {
		t.Error(err)
	}
	for _, limit := range []int{-1, 1<<20 + 1} {
		if _, err := jwt.NewVerifier(jwt.Config{Issuer: issuer, ClientIDs: []string{client}, MaxTokenBytes: limit}); err == nil || !strings.Contains(err.Error(), "MaxTokenBytes") {
			t.Errorf("MaxTokenBytes %d: %v", limit, err)
		}
	}
}

// TestCacheSkipsLargeTokens: the memory of a verifier is bounded although tokens may
// be large.
func TestCacheSkipsLargeTokens(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, nil)
	if !sameToken(t, v, padded(t, 16<<10)) {
		t.Error("a token of 16 KiB is not remembered")
	}
	if sameToken(t, v, padded(t, 16<<10+1)) {
		t.Error("a larger token is remembered")
	}
}
