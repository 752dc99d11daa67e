package strictbase64_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/strictbase64"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "Zm8=": "fo", "Zm9v": "foo", "+/8=": "\xfb\xff"} {
		if got, err := strictbase64.Decode(text); err != nil || string(got) != want {
			t.Errorf("Decode(%q) = %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{"": "", "Zm8": "fo", "Zm9v": "foo", "-_8": "\xfb\xff"} {
		if got, err := strictbase64.DecodeURL(text); err != nil || string(got) != want {
			t.Errorf("DecodeURL(%q) = %q, %v", text, got, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Zm8", "Zm9=", "Zm\n8=", "Zm8=\r\n", "\nZm8=", "Zm8==", "Z", " Zm8=", "Zm8= ", "-_8=", "Zm8=Zm8="} {
		if got, err := strictbase64.Decode(text); !errors.Is(err, strictbase64.ErrMalformed) || got != nil {
			t.Errorf("Decode(%q) = %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"Zm8=", "Zm9", "Zm\r8", "Zm8\n", "\n", "Z", " Zm8", "+/8", "Zm8\x00"} {
		if got, err := strictbase64.DecodeURL(text); !errors.Is(err, strictbase64.ErrMalformed) || got != nil {
			t.Errorf("DecodeURL(%q) = %q, %v", text, got, err)
		}
	}
}

// TestOneText: what is accepted is exactly what encoding writes.
func TestOneText(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.StringMatching(`[A-Za-z0-9+/=_\r\n-]{0,12}`), rapid.Map(rapid.SliceOf(rapid.Byte()), base64.StdEncoding.EncodeToString),
		rapid.Map(rapid.SliceOf(rapid.Byte()), base64.RawURLEncoding.EncodeToString))
	rapid.Check(t, func(t *rapid.T) {
		text := text.Draw(t, "text")
		if decoded, err := strictbase64.Decode(text); err == nil {
			if diff := cmp.Diff(text, base64.StdEncoding.EncodeToString(decoded)); diff != "" {
				t.Fatal(diff)
			}
		}
		if decoded, err := strictbase64.DecodeURL(text); err == nil {
			if diff := cmp.Diff(text, base64.RawURLEncoding.EncodeToString(decoded)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
