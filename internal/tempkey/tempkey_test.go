package tempkey_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/tempkey"
)

var issued = time.Date(2026, 11, 20, 14, 10, 0, 0, time.UTC)

func key(fill byte) []byte { return bytes.Repeat([]byte{fill}, tempkey.KeySize) }

func newCodec(t interface {
	Helper()
	Fatal(...any)
}, keys ...[]byte) *tempkey.Codec {
	t.Helper()
	codec, err := tempkey.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

func claims() tempkey.Claims {
	return tempkey.Claims{
		PoolID: "us-east-1:0f3c9f0e-1111-4222-8333-444455556666", IdentityID: "us-east-1:7d9c4a52-1111-4222-8333-444455556666",
		RoleARN: "arn:aws:iam::000000000000:role/app", Authenticated: true,
		Provider: "cognito-idp.us-east-1.amazonaws.com/us-east-1_aB3dEfGhI", Subject: "1b7e",
		Tags:   map[string]string{"department": "äöü", "client": "3n4b"},
		Issued: issued, Expires: issued.Add(time.Hour),
	}
}

func mint(t interface {
	Helper()
	Fatal(...any)
}, codec *tempkey.Codec, c tempkey.Claims) tempkey.Credentials {
	t.Helper()
	credentials, err := codec.Mint(c)
	if err != nil {
		t.Fatal(err)
	}
	return credentials
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][][]byte{"none": nil, "short": {key(1)[:16]}, "twice": {key(1), key(1)}} {
		if _, err := tempkey.New(keys...); err == nil {
			t.Errorf("%s: a Codec is made", name)
		}
	}
}

// TestShape: clients and their tools recognize temporary credentials by this.
func TestShape(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, key(1))
	made := mint(t, codec, claims())
	for text, pattern := range map[string]string{
		made.AccessKeyID:           `^ASIA[A-Z2-7]{16}$`,
		made.Secret.Reveal():       `^[A-Za-z0-9+/]{40}$`,
		made.SessionToken.Reveal(): `^[A-Za-z0-9_-]{100,1000}$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("%s does not match %s", text, pattern)
		}
	}
	again := mint(t, codec, claims())
	if again.AccessKeyID == made.AccessKeyID || again.Secret.Equal(made.Secret) || again.SessionToken.Equal(made.SessionToken) {
		t.Error("two sets of credentials share a part")
	}
	if printed := fmt.Sprintf("%v %+v %#v", made, made, made); strings.Contains(printed, made.Secret.Reveal()) ||
		strings.Contains(printed, made.SessionToken.Reveal()) {
		t.Errorf("credentials print as %s", printed)
	}
}

// TestRoundTrip: what goes in comes out, whatever it is.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, key(1))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 60, 200)
		want := tempkey.Claims{
			PoolID: text.Draw(t, "pool"), IdentityID: text.Draw(t, "identity"), RoleARN: text.Draw(t, "role"),
			Authenticated: rapid.Bool().Draw(t, "authenticated"), Provider: text.Draw(t, "provider"), Subject: text.Draw(t, "subject"),
			Issued: issued,
		}
		want.Expires = issued.Add(time.Duration(rapid.IntRange(1, 43200).Draw(t, "life")) * time.Second)
		if tags := rapid.MapOfN(text, text, 0, 6).Draw(t, "tags"); len(tags) > 0 {
			want.Tags = tags
		}
		made := mint(t, codec, want)
		got, secret, err := codec.Open(made.AccessKeyID, made.SessionToken.Reveal(), want.Expires.Add(-time.Second))
		if err != nil || !secret.Equal(made.Secret) {
			t.Fatalf("Open: %v, the same secret: %v", err, secret.Equal(made.Secret))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestTimesAreSeconds(t *testing.T) {
	t.Parallel()
	c := claims()
	c.Issued, c.Expires = c.Issued.Add(999*time.Millisecond), c.Expires.Add(time.Millisecond).In(time.FixedZone("", 3600))
	codec := newCodec(t, key(1))
	made := mint(t, codec, c)
	got, _, err := codec.Open(made.AccessKeyID, made.SessionToken.Reveal(), issued)
	if err != nil || !got.Issued.Equal(issued) || !got.Expires.Equal(issued.Add(time.Hour)) {
		t.Errorf("%v, %v, %v", got.Issued, got.Expires, err)
	}
}

func TestMintRefuses(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, key(1))
	for name, change := range map[string]func(*tempkey.Claims){
		"no life":           func(c *tempkey.Claims) { c.Expires = c.Issued.Add(time.Millisecond) },
		"negative life":     func(c *tempkey.Claims) { c.Expires = c.Issued.Add(-time.Second) },
		"more than 12 h":    func(c *tempkey.Claims) { c.Expires = c.Issued.Add(tempkey.MaxLife + time.Second) },
		"no times":          func(c *tempkey.Claims) { c.Issued, c.Expires = time.Time{}, time.Time{} },
		"long subject":      func(c *tempkey.Claims) { c.Subject = strings.Repeat("s", tempkey.MaxSessionToken) },
		"length overflows":  func(c *tempkey.Claims) { c.Subject = strings.Repeat("s", 1<<16+3) },
		"number overflows":  func(c *tempkey.Claims) { c.Tags = manyTags(1<<16 + 1) },
		"more tags than go": func(c *tempkey.Claims) { c.Tags = manyTags(2000) },
	} {
		c := claims()
		change(&c)
		if made, err := codec.Mint(c); err == nil || made != (tempkey.Credentials{}) {
			t.Errorf("%s: %v, %v", name, made, err)
		}
	}
	c := claims()
	c.Tags = manyTags(600)
	if _, err := codec.Mint(c); !errors.Is(err, tempkey.ErrTooLong) {
		t.Errorf("600 tags: %v, want ErrTooLong", err)
	}
}

func manyTags(n int) map[string]string {
	tags := make(map[string]string, n)
	for i := range n {
		tags[fmt.Sprintf("tag-%d", i)] = ""
	}
	return tags
}

func TestMaxSessionTokenIsReached(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, key(1))
	c := claims()
	longest := 0
	for n := 4000; ; n++ {
		c.Subject = strings.Repeat("s", n)
		made, err := codec.Mint(c)
		if errors.Is(err, tempkey.ErrTooLong) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		longest = len(made.SessionToken.Reveal())
		if _, _, err := codec.Open(made.AccessKeyID, made.SessionToken.Reveal(), issued); err != nil {
			t.Fatalf("%d characters: %v", longest, err)
		}
	}
	if longest != tempkey.MaxSessionToken {
		t.Errorf("the longest token has %d characters, want %d", longest, tempkey.MaxSessionToken)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, key(1))
	made := mint(t, codec, claims())
	for _, test := range []struct {
		now  time.Time
		want error
	}{
		{issued.Add(-time.Hour), nil}, // a clock that is behind
		{issued.Add(time.Hour - time.Nanosecond), nil},
		{issued.Add(time.Hour), tempkey.ErrExpired},
		{issued.Add(1000 * time.Hour), tempkey.ErrExpired},
	} {
		got, secret, err := codec.Open(made.AccessKeyID, made.SessionToken.Reveal(), test.now)
		if !errors.Is(err, test.want) || err != nil && (!secret.IsZero() || got.IdentityID != "") {
			t.Errorf("at %v: %v, %v", test.now, got, err)
		}
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	before, during, after := newCodec(t, key(1)), newCodec(t, key(2), key(1)), newCodec(t, key(2))
	old, fresh := mint(t, before, claims()), mint(t, during, claims())
	for name, test := range map[string]struct {
		codec *tempkey.Codec
		made  tempkey.Credentials
		want  error
	}{
		"old key while both are there": {during, old, nil},
		"new key while both are there": {during, fresh, nil},
		"new key afterwards":           {after, fresh, nil},
		"old key afterwards":           {after, old, tempkey.ErrToken},
		"new key before":               {before, fresh, tempkey.ErrToken},
	} {
		if _, _, err := test.codec.Open(test.made.AccessKeyID, test.made.SessionToken.Reveal(), issued); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// TestEveryBitCounts changes each character of a token, and the id beside it.
func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, key(1))
	made, other := mint(t, codec, claims()), mint(t, codec, claims())
	token := made.SessionToken.Reveal()
	refuse := func(name, id, token string) {
		if _, _, err := codec.Open(id, token, issued); !errors.Is(err, tempkey.ErrToken) {
			t.Errorf("%s: %v, want ErrToken", name, err)
		}
	}
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		refuse(fmt.Sprintf("character %d", i), made.AccessKeyID, string(changed))
	}
	for n := range len(token) {
		refuse(fmt.Sprintf("cut to %d", n), made.AccessKeyID, token[:n])
	}
	refuse("longer", made.AccessKeyID, token+"AAAA")
	refuse("padded", made.AccessKeyID, token+"=")
	refuse("with a line break", made.AccessKeyID, token[:20]+"\n"+token[20:])
	refuse("huge", made.AccessKeyID, strings.Repeat("A", tempkey.MaxSessionToken+1))
	refuse("another's id", other.AccessKeyID, token)
	refuse("no id", "", token)
	refuse("lasting key's id", "AKIA"+made.AccessKeyID[4:], token)
	refuse("long id", made.AccessKeyID+"A", token)
}

// TestSealedByOthers: a box of the same key seals other things too, which are no
// credentials.
func TestSealedByOthers(t *testing.T) {
	t.Parallel()
	box, err := seal.New(key(1))
	if err != nil {
		t.Fatal(err)
	}
	codec := newCodec(t, key(1))
	made := mint(t, codec, claims())
	sealed, err := base64.RawURLEncoding.DecodeString(made.SessionToken.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := box.Open("latchkey/tempkey/v1", sealed, []byte(made.AccessKeyID))
	if err != nil {
		t.Fatal(err)
	}
	other := box.Seal("another purpose", plaintext, []byte(made.AccessKeyID))
	if _, _, err := codec.Open(made.AccessKeyID, base64.RawURLEncoding.EncodeToString(other), issued); !errors.Is(err, tempkey.ErrToken) {
		t.Errorf("sealed for another purpose: %v", err)
	}
}

func BenchmarkMint(b *testing.B) {
	codec := newCodec(b, key(1))
	b.ReportAllocs()
	for b.Loop() {
		mint(b, codec, claims())
	}
}

func BenchmarkOpen(b *testing.B) {
	codec := newCodec(b, key(1))
	made := mint(b, codec, claims())
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := codec.Open(made.AccessKeyID, made.SessionToken.Reveal(), issued); err != nil {
			b.Fatal(err)
		}
	}
}
