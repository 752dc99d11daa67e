package cognito

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/store"
)

// TestNewGrantChecksTokens checks which answers are refused, and as what: none of these
// ends a session.
func TestNewGrantChecksTokens(t *testing.T) {
	t.Parallel()
	now := time.Now()
	access, id := accessClaims(now), idClaims(now)
	none := claims(nil)
	for name, test := range map[string]struct {
		access, id claims
		class      fault.Class // Unknown for success
	}{
		"good":                       {access, id, fault.Unknown},
		"no ID token":                {access, none, fault.Unknown},
		"access token of ID's use":   {access.with(claims{"token_use": "id"}), id, fault.Malformed},
		"ID token of access's use":   {access, id.with(claims{"token_use": "access"}), fault.Malformed},
		"no use":                     {access.with(claims{"token_use": nil}), id, fault.Malformed},
		"another issuer":             {access.with(claims{"iss": "https://other"}), id, fault.WrongIssuer},
		"another issuer of ID":       {access, id.with(claims{"iss": "https://other"}), fault.WrongIssuer},
		"another client":             {access.with(claims{"client_id": "other"}), id, fault.WrongUser},
		"another audience":           {access, id.with(claims{"aud": "other"}), fault.WrongUser},
		"two users":                  {access, id.with(claims{"sub": "sub-2"}), fault.WrongUser},
		"no user":                    {access.with(claims{"sub": nil}), none, fault.WrongUser},
		"no user name":               {access.with(claims{"username": nil}), none, fault.Malformed},
		"no issue time":              {access.with(claims{"iat": nil}), none, fault.Malformed},
		"expired when it was issued": {access.with(claims{"exp": now.Unix() - 1}), none, fault.Malformed},
	} {
		result := &wire.AuthenticationResultType{AccessToken: wire.Sensitive(test.access.token(t)), RefreshToken: "r"}
		if test.id != nil {
			result.IdToken = wire.Sensitive(test.id.token(t))
		}
		g, err := NewGrant("op", result, Timing{At: now}, testAudience)
		f := fault.Find(err)
		if f.Class != test.class || (err == nil) != (test.class == fault.Unknown) || f.EndsSession {
			t.Errorf("%s: %v (class %d), want class %d", name, err, f.Class, test.class)
		}
		if err == nil && (g.Refresh.Reveal() != "r" || g.Pair.Life != time.Hour || (g.Pair.ID != nil) != (test.id != nil)) {
			t.Errorf("%s: %+v", name, g)
		}
		if err != nil && !g.Refresh.IsZero() {
			t.Errorf("%s: a refused grant has a token", name)
		}
	}
	for name, result := range map[string]*wire.AuthenticationResultType{"nothing": nil, "no tokens": {}, "no JWT": {AccessToken: "opaque"}} {
		if _, err := NewGrant("op", result, Timing{}, testAudience); fault.Find(err).Class != fault.Malformed || !fault.Find(err).Retryable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGrantOfDevice checks that a device counts only with its key.
func TestGrantOfDevice(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for key, want := range map[string]bool{"d": true, "": false} {
		g, err := NewGrant("op", &wire.AuthenticationResultType{
			AccessToken: wire.Sensitive(accessClaims(now).token(t)), NewDeviceMetadata: &wire.NewDeviceMetadataType{DeviceKey: key, DeviceGroupKey: "g"},
		}, Timing{At: now}, testAudience)
		if err != nil || (g.Device != nil) != want || want && *g.Device != (store.Device{Key: "d", GroupKey: "g"}) {
			t.Errorf("%q: %+v, %v", key, g.Device, err)
		}
	}
}

// grantAt is a grant of alice, received at some time.
func grantAt(t *testing.T, at time.Time, access claims, refresh string) Grant {
	t.Helper()
	g, err := NewGrant("op", &wire.AuthenticationResultType{
		AccessToken: wire.Sensitive(access.token(t)), IdToken: wire.Sensitive(idClaims(at).with(claims{"iat": access["iat"], "exp": access["exp"]}).token(t)), RefreshToken: wire.Sensitive(refresh),
	}, Timing{At: at}, testAudience)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGrantBelongsTo checks whose session a grant renews. Amplify JS's records may name
// the account by the sub.
func TestGrantBelongsTo(t *testing.T) {
	t.Parallel()
	g := grantAt(t, time.Now(), accessClaims(time.Now()), "")
	for name, test := range map[string]struct {
		username, sub string
		ok            bool
	}{
		"the user":           {"alice", "sub-1", true},
		"named by the sub":   {"sub-1", "sub-1", true},
		"another user":       {"bob", "sub-2", false},
		"renamed":            {"bob", "sub-1", false},
		"another, same name": {"alice", "sub-2", false},
		"no sub":             {"alice", "", false},
	} {
		err := g.BelongsTo(store.Record{Account: store.Account{Username: test.username}, Sub: test.sub})
		if (err == nil) != test.ok || err != nil && (!errors.Is(err, fault.WrongAccount) || fault.Find(err).Retryable || fault.Find(err).EndsSession) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestApply checks the record that a grant makes: what it replaces, and what stays.
func TestApply(t *testing.T) {
	t.Parallel()
	at := time.Now()
	old := aliceRecord(t, accessClaims(at.Add(-time.Hour)))
	old.Tokens.Former, old.Tokens.DeviceRefused = store.NewSecret("former"), true
	old.Ended = &store.Ended{Reason: "x"}
	old.Device = &store.Device{Key: "d"}
	before := *old.Tokens
	for refresh, want := range map[string]string{"": "spent", "next": "next"} {
		r := grantAt(t, at, accessClaims(at.Add(2*time.Minute)), refresh).Apply(old)
		if r.Tokens.Refresh.Reveal() != want || !r.Tokens.Former.IsZero() || r.Tokens.DeviceRefused || r.Ended != nil {
			t.Errorf("%q: %+v", refresh, r)
		}
		if r.Device == nil || r.Issuer != testIssuer || r.Sub != "sub-1" || !r.Tokens.ReceivedAt.Equal(at.Round(0)) || r.Account.Username != "alice" {
			t.Errorf("%q: %+v", refresh, r)
		}
		if off := (r.Drift - 2*time.Minute).Abs(); off > time.Second {
			t.Errorf("%q: drift %v, want two minutes", refresh, r.Drift)
		}
		if *old.Tokens != before {
			t.Errorf("%q: the record before was changed", refresh)
		}
	}
	if r := grantAt(t, at, accessClaims(at.Add(100*24*time.Hour)), "").Apply(old); r.Drift != expiry.MaxDrift {
		t.Errorf("drift %v is not bounded", r.Drift)
	}
}

// TestGrantWindow draws the age of a repeated answer and the offset of clocks: tokens last
// their life less their age, whatever this machine's clock says, and a Date header beyond
// ten minutes of iat is a proxy's mistake.
func TestGrantWindow(t *testing.T) {
	t.Parallel()
	start := time.Now().Truncate(time.Second)
	full := accessClaims(start).token(t)
	pair, err := DecodePair(full, "")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(label string, from, to int) time.Duration {
			return time.Duration(rapid.IntRange(from, to).Draw(t, label)) * time.Second
		}
		age, offset := seconds("age", -1800, 1800), seconds("offset", -1e6, 1e6)
		g := Grant{Pair: pair, When: Timing{At: start.Add(offset), Service: start.Add(age)}}
		want := time.Duration(0)
		if age > 0 && age < maxRepeat {
			want = age
		}
		if got := g.ServiceTime().Sub(pair.Issued); got != want {
			t.Fatalf("the service's clock is %v after iat, want %v", got, want)
		}
		w := g.Window(0)
		left := w.Left(g.When.At) + w.Margin
		if left != pair.Life-want {
			t.Fatalf("the tokens last %v, want %v less %v", left, pair.Life, want)
		}
	})
	if undated := (Grant{Pair: pair, When: Timing{At: start}}); !undated.ServiceTime().Equal(pair.Issued) {
		t.Errorf("without a Date header the service's clock is %v", undated.ServiceTime())
	}
}

// TestSameSignIn checks when to revoke a grant would end the session of a token.
func TestSameSignIn(t *testing.T) {
	t.Parallel()
	now := time.Now()
	decode := func(c claims) *TokenPair {
		p, err := DecodePair(c.token(t), "")
		if err != nil {
			t.Fatal(err)
		}
		return &p
	}
	same, other, none := accessClaims(now), accessClaims(now).with(claims{"origin_jti": "another"}), accessClaims(now).with(claims{"origin_jti": nil})
	g, bare := Grant{Pair: *decode(same)}, Grant{Pair: *decode(none)}
	if !g.SameSignIn(decode(same).Access) || g.SameSignIn(decode(other).Access) || g.SameSignIn(decode(none).Access) || g.SameSignIn(nil) {
		t.Error("a grant with an origin")
	}
	if bare.SameSignIn(decode(none).Access) || bare.SameSignIn(decode(same).Access) {
		t.Error("a grant without an origin is of no known sign-in")
	}
}
