package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

const canary = "s3cr3t-canary"

func TestStringNeverPrints(t *testing.T) {
	t.Parallel()
	type wrapper struct {
		Token secret.String
		inner secret.String
	}
	s := secret.New(canary)
	w := wrapper{Token: s, inner: s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{s, &s, w, &w, []secret.String{s}, map[string]secret.String{"k": s}} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
				t.Errorf("Sprintf(%q, %T) leaks: %s", verb, value, got)
			}
		}
	}
	encoded, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "wrapper", w)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "group", slog.GroupValue(slog.Any("s", s)))
	for name, text := range map[string]string{"json": string(encoded), "slog": log.String()} {
		if strings.Contains(text, canary) {
			t.Errorf("%s leaks: %s", name, text)
		}
		if !strings.Contains(text, secret.Redacted) {
			t.Errorf("%s does not show %s: %s", name, secret.Redacted, text)
		}
	}
}

func TestStringValue(t *testing.T) {
	t.Parallel()
	s := secret.New(canary)
	if s.Reveal() != canary || s.IsZero() || !(secret.String{}).IsZero() {
		t.Error("Reveal or IsZero wrong")
	}
	for other, want := range map[string]bool{canary: true, "": false, canary + "x": false, canary[:5]: false} {
		if got := s.Equal(secret.New(other)); got != want {
			t.Errorf("Equal(%q) = %v, want %v", other, got, want)
		}
	}
}

// TestStringMethodsRedact checks the methods that fmt does not reach by itself: programs
// and encoders call them.
func TestStringMethodsRedact(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]secret.String{"a secret": secret.New(canary), "empty": {}} {
		text, err := s.MarshalText()
		if err != nil || s.String() != secret.Redacted || s.GoString() != secret.Redacted || string(text) != secret.Redacted {
			t.Errorf("%s: %q, %q, %q, %v", name, s.String(), s.GoString(), text, err)
		}
	}
}

// TestUnmarshal takes secrets from JSON, and no placeholder of one.
func TestUnmarshal(t *testing.T) {
	t.Parallel()
	var answer struct{ A, B secret.String }
	if err := json.Unmarshal([]byte(`{"A": "s3cret", "B": ""}`), &answer); err != nil || answer.A.Reveal() != "s3cret" || !answer.B.IsZero() {
		t.Errorf("%q, %q, %v", answer.A.Reveal(), answer.B.Reveal(), err)
	}
	again, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &answer); err == nil || answer.A.Reveal() != "s3cret" {
		t.Errorf("a placeholder was taken: %q, %v", answer.A.Reveal(), err)
	}
}
