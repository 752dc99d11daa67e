package federation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	got, err := texts([]byte(`{"a":"x\u0000\"","b":true,"c":12345678901234567890,"d":null,"e":[ 1, "two" ],"f":{"g": {}},"":"y","h":""}`), "sub")
	want := map[string]string{"a": "x\x00\"", "b": "true", "c": "12345678901234567890", "e": `[1,"two"]`, "f": `{"g":{}}`, "": "y", "h": ""}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	many := `{"a0":1`
	for i := range 501 {
		many += `,"b` + strings.Repeat("x", i) + `":1`
	}
	for name, text := range map[string]string{
		"list": `[]`, "text": `"x"`, "nothing": ``, "two": `{}{}`, "twice": `{"a":1,"a":2}`, "no UTF-8": "{\"a\":\"\xff\"}", "many": many + "}", "HTML": "<html>",
	} {
		if got, err := texts([]byte(text), "sub"); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestSubjectTypes: a subject is a text or a whole number, and nothing else.
func TestSubjectTypes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"u-1"`: "u-1", `10159`: "10159", `12345678901234567890123`: "12345678901234567890123", `0`: "0", `""`: "",
		`true`: "", `false`: "", `null`: "", `[]`: "", `["u-1"]`: "", `{}`: "", `{"a":1}`: "", `1.0`: "", `1e3`: "", `-1`: "",
	} {
		got, err := texts([]byte(`{"id":`+value+`,"other":true}`), "id")
		if err != nil || got["id"] != want || got["other"] != "true" {
			t.Errorf("%s: %v, %v", value, got, err)
		}
	}
}

func FuzzTexts(f *testing.F) {
	for _, seed := range []string{`{"sub":"u","n":1e400}`, `{"a":{"b":[{}]}}`, `null`, `{"a":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		claims, err := texts(object, "sub")
		if err != nil {
			return
		}
		for name, value := range claims {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				t.Errorf("%q: %q", name, value)
			}
		}
	})
}

// TestComplete: what is left out is filled in, and what stands is kept.
func TestComplete(t *testing.T) {
	t.Parallel()
	got, err := Complete(wire.ProviderFacebook, wire.Parameters{"client_id": "a", "client_secret": "s", "api_version": "v9.0", "token_url": "https://x.example/t"})
	want := map[string]string{
		"client_id": "a", "client_secret": "s", "api_version": "v9.0", "authorize_scopes": "public_profile,email",
		"authorize_url": "https://www.facebook.com/v9.0/dialog/oauth", "token_url": "https://x.example/t", "attributes_url": "https://graph.facebook.com/v9.0/me",
	}
	if diff := cmp.Diff(want, map[string]string(got)); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if again, err := Complete(wire.ProviderFacebook, got); err != nil || !cmp.Equal(map[string]string(again), map[string]string(got)) {
		t.Errorf("what was described cannot be sent back: %v", err)
	}
	for kind := range profiles {
		if SubjectClaim(kind) == "" {
			t.Errorf("%s has no subject", kind)
		}
	}
}

// TestScopesWithoutOpenID takes the default scopes of the AWS CDK, which the social
// providers have without openid.
func TestScopesWithoutOpenID(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ kind, given, want string }{
		{wire.ProviderGoogle, "profile", "openid profile"},
		{wire.ProviderGoogle, "profile openid", "profile openid"},
		{wire.ProviderApple, "name", "openid name"},
		{wire.ProviderFacebook, "public_profile", "public_profile"},
	} {
		details := wire.Parameters{"client_id": "a", "client_secret": "s", "authorize_scopes": test.given}
		if test.kind == wire.ProviderApple {
			details = wire.Parameters{"client_id": "a", "team_id": "t", "key_id": "k", "private_key": appleTestKey(t), "authorize_scopes": test.given}
		}
		full, err := Complete(test.kind, details)
		if err != nil || full["authorize_scopes"] != test.given {
			t.Errorf("%s %q: %v, %v", test.kind, test.given, full, err)
			continue
		}
		if got := profiles[test.kind].scopes(full); got != test.want {
			t.Errorf("%s %q asks for %q, want %q", test.kind, test.given, got, test.want)
		}
	}
}

func appleTestKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain": "plain", "a\"b\\c": "a'b'c", "x\r\nLocation: y": "x Location: y", "ä\x7f": "", strings.Repeat("x", 300): strings.Repeat("x", 200),
	} {
		if got := clean(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestMergeKeepsFlagWithItsAddress: email_verified is not carried over to the address
// of the other document.
func TestMergeKeepsFlagWithItsAddress(t *testing.T) {
	t.Parallel()
	type doc = map[string]string
	mapping := doc{"email": "mail", "email_verified": "ok", "phone_number": "tel", "phone_number_verified": "tel_ok", "name": "name"}
	for name, test := range map[string]struct{ token, info, want doc }{
		"flag of another address":     {doc{"mail": "a"}, doc{"mail": "b", "ok": "true"}, doc{"mail": "a"}},
		"flag without its address":    {doc{"mail": "a"}, doc{"ok": "true"}, doc{"mail": "a"}},
		"address only in userinfo":    {doc{"ok": "true"}, doc{"mail": "b"}, doc{"mail": "b"}},
		"userinfo denies the flag":    {doc{"ok": "true"}, doc{"mail": "b", "ok": "false"}, doc{"mail": "b", "ok": "false"}},
		"same address, later flag":    {doc{"mail": "a"}, doc{"mail": "a", "ok": "true"}, doc{"mail": "a", "ok": "true"}},
		"same address, other flag":    {doc{"mail": "a", "ok": "false"}, doc{"mail": "a", "ok": "true"}, doc{"mail": "a", "ok": "false"}},
		"both in the ID token":        {doc{"mail": "a", "ok": "true"}, doc{"name": "n"}, doc{"mail": "a", "ok": "true", "name": "n"}},
		"both in userinfo":            {doc{"name": "n"}, doc{"mail": "b", "ok": "true"}, doc{"mail": "b", "ok": "true", "name": "n"}},
		"neither":                     {doc{}, doc{"name": "n"}, doc{"name": "n"}},
		"address in another spelling": {doc{"mail": "a@x"}, doc{"mail": "A@x", "ok": "true"}, doc{"mail": "a@x"}},
		"phone":                       {doc{"tel": "+1"}, doc{"tel": "+2", "tel_ok": "true"}, doc{"tel": "+1"}},
		"each has its own":            {doc{"mail": "a", "ok": "true"}, doc{"tel": "+2", "tel_ok": "true"}, doc{"mail": "a", "ok": "true", "tel": "+2", "tel_ok": "true"}},
	} {
		got := maps.Clone(test.token)
		merge(got, test.info, mapping)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	shared := doc{"mail": "a", "ok": "true"}
	merge(shared, doc{"tel": "+2"}, doc{"email": "mail", "email_verified": "ok", "phone_number": "tel", "phone_number_verified": "ok"})
	if diff := cmp.Diff(doc{"mail": "a", "tel": "+2"}, shared); diff != "" {
		t.Errorf("one flag for two contacts: (-want +got)\n%s", diff)
	}
}

// TestMergeFlagProperty: whatever the two documents hold, a flag that counts stands
// beside the resulting address in one of them.
func TestMergeFlagProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		document := rapid.MapOf(rapid.SampledFrom([]string{"email", "email_verified", "name"}), rapid.SampledFrom([]string{"", "true", "a@x", "b@x"}))
		token, info := document.Draw(t, "token"), document.Draw(t, "info")
		got := maps.Clone(token)
		merge(got, info, map[string]string{"email": "email", "email_verified": "email_verified"})
		backed := func(doc map[string]string) bool {
			return doc["email"] == got["email"] && doc["email_verified"] == got["email_verified"]
		}
		if got["email"] != "" && got["email_verified"] != "" && !backed(token) && !backed(info) {
			t.Errorf("token %v, userinfo %v: %v", token, info, got)
		}
	})
}

// TestSegmentProperty: segments are safe in a path, and two names never have one.
func TestSegmentProperty(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[^_\p{Z}][\p{L}\p{M}\p{S}\p{N}\p{P}][^_\p{Z}]{1,30}`)
	rapid.Check(t, func(t *rapid.T) {
		one, two := name.Draw(t, "one"), name.Draw(t, "two")
		segment := Segment(one)
		if !IsSegment(segment) || url.PathEscape(segment) != segment {
			t.Errorf("%q: segment %q", one, segment)
		}
		if one != two && segment == Segment(two) {
			t.Errorf("%q and %q: segment %q", one, two, segment)
		}
	})
	for _, bad := range []string{"", ".", "..", "a/b", "a b", "ü", strings.Repeat("x", 201)} {
		if IsSegment(bad) {
			t.Errorf("%q is a segment", bad)
		}
	}
}
