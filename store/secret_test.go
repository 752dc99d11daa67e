package store_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
)

// TestSecret checks that a secret is shown nowhere and can be read back from an answer.
func TestSecret(t *testing.T) {
	t.Parallel()
	const value = "s3cr3t-canary"
	s := store.NewSecret(value)
	encoded, err := json.Marshal(map[string]any{"s": s, "in": struct{ S store.Secret }{s}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s), fmt.Sprintf("%+v", struct{ s store.Secret }{s}), s.String(), s.GoString(), s.LogValue().String(),
		slog.AnyValue(s).Resolve().String(), string(text), string(encoded),
	} {
		if strings.Contains(shown, value) || strings.Contains(shown, fmt.Sprintf("%x", value)) {
			t.Errorf("shown: %s", shown)
		}
	}
	if s.Reveal() != value || s.IsZero() || !(store.Secret{}).IsZero() || !s.Equal(store.NewSecret(value)) || s.Equal(store.NewSecret("other")) {
		t.Error("Reveal, IsZero or Equal is wrong")
	}
	var answer struct{ S store.Secret }
	if err := json.Unmarshal([]byte(`{"S":"`+value+`"}`), &answer); err != nil || !answer.S.Equal(s) {
		t.Errorf("decoded %q, %v", answer.S.Reveal(), err)
	}
	if err := json.Unmarshal([]byte(`{"S":"[redacted]"}`), &answer); err == nil {
		t.Error("the placeholder was taken for a secret")
	}
}
