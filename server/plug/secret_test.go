package plug_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/server/plug"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const text = "hunter2"
	secret := plug.NewSecret(text)
	exported, unexported := struct{ Key plug.Secret }{secret}, struct{ key plug.Secret }{secret}
	marshaled, err := json.Marshal(exported)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "secret", secret, "holder", exported)
	printed := []string{string(marshaled), log.String()}
	for _, line := range printed {
		if !strings.Contains(line, "[redacted]") {
			t.Errorf("printed as %s", line)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, secret), fmt.Sprintf(verb, exported), fmt.Sprintf(verb, unexported), fmt.Sprintf(verb, []plug.Secret{secret}))
	}
	for _, line := range printed {
		if strings.Contains(line, text) || strings.Contains(line, fmt.Sprintf("%x", text)) {
			t.Errorf("printed as %s", line)
		}
	}
}

func TestSecretRevealsItsText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "hunter2", "a\x00b"} {
		if secret := plug.NewSecret(text); secret.Reveal() != text || secret.IsZero() != (text == "") {
			t.Errorf("%q: Reveal %q, IsZero %t", text, secret.Reveal(), secret.IsZero())
		}
	}
	var out struct{ AccessToken plug.Secret }
	if err := json.Unmarshal([]byte(`{"AccessToken":"hunter2"}`), &out); err != nil || out.AccessToken.Reveal() != "hunter2" {
		t.Errorf("Unmarshal: %q, %v", out.AccessToken.Reveal(), err)
	}
}
