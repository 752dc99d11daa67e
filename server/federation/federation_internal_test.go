package federation

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	got, err := texts([]byte(`{"a":"x\u0000\"","b":true,"c":12345678901234567890,"d":null,"e":[ 1, "two" ],"f":{"g": {}},"":"y","h":""}`))
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
		if got, err := texts([]byte(text)); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzTexts(f *testing.F) {
	for _, seed := range []string{`{"sub":"u","n":1e400}`, `{"a":{"b":[{}]}}`, `null`, `{"a":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		claims, err := texts(object)
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
