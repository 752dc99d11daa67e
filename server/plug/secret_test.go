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
	secret := plug.Secret(text)
	holder := struct{ Key plug.Secret }{secret}
	marshaled, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "secret", secret, "holder", holder)
	printed := []string{string(marshaled), log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, secret), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, []plug.Secret{secret}))
	}
	for _, line := range printed {
		if strings.Contains(line, text) || strings.Contains(line, fmt.Sprintf("%x", text)) || !strings.Contains(line, "[redacted]") {
			t.Errorf("printed as %s", line)
		}
	}
	if secret.Reveal() != text {
		t.Errorf("Reveal returns %q", secret.Reveal())
	}
}
