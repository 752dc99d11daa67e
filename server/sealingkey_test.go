package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/keys"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("0a", 32)
	for name, test := range map[string]struct {
		text, err string
	}{
		"digits":              {digits, ""},
		"capital digits":      {strings.ToUpper(digits), ""},
		"line":                {digits + "\n", ""},
		"key file":            {"# Latchkey master key.\n#\n\n" + digits + "\r\n", ""},
		"empty":               {"", "no key in it"},
		"comments only":       {"# no key\n", "no key in it"},
		"short":               {digits[2:], "a line of 62 characters where a key has 64 hexadecimal digits"},
		"not hexadecimal":     {"zz" + digits[2:], "a line of 64 characters where a key has 64 hexadecimal digits"},
		"two keys":            {digits + "\n" + digits, "more than one line beside the comments"},
		"more than 4096 byte": {strings.Repeat("#\n", 3000) + digits, "longer than 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := server.ParseKey(test.text)
			if test.err == "" {
				if err != nil || key.Reveal() != digits {
					t.Errorf("ParseKey = %s, %v", key.Reveal(), err)
				}
				return
			}
			if want := "server: parse sealing key: " + test.err; err == nil || err.Error() != want {
				t.Errorf("ParseKey: %v, want %s", err, want)
			}
			if err != nil && strings.Contains(err.Error(), digits[4:]) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}

func TestNewKeyIsRandomAndParses(t *testing.T) {
	t.Parallel()
	first, second := server.NewKey(), server.NewKey()
	if first.Reveal() == second.Reveal() {
		t.Error("two new keys are equal")
	}
	if again, err := server.ParseKey(first.Reveal()); err != nil || again.Reveal() != first.Reveal() {
		t.Errorf("ParseKey of a new key: %v", err)
	}
}

func TestSealingKeyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	key := server.NewKey()
	config := server.Config{SealingKeys: []server.SealingKey{key}}
	nested := struct{ key server.SealingKey }{key}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "key", key)
	marshaled, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{log.String(), string(marshaled)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		printed = append(printed, fmt.Sprintf(verb, key), fmt.Sprintf(verb, config), fmt.Sprintf(verb, nested))
	}
	for _, line := range printed {
		if strings.Contains(line, key.Reveal()) || strings.Contains(line, fmt.Sprintf("%x", key.Reveal())) {
			t.Errorf("printed as %s", line)
		}
	}
	if string(marshaled) != `"[redacted]"` || fmt.Sprint(key) != "[redacted]" {
		t.Errorf("printed as %s and %v", marshaled, key)
	}
}

func TestNewRefusesSealingKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys []server.SealingKey
		err  string
	}{
		"none":  {nil, "server: Config.Storage and Config.SealingKeys are required"},
		"empty": {[]server.SealingKey{sealingKey(1), {}}, "server: Config.SealingKeys[1] is empty: use NewKey or ParseKey"},
		"twice": {[]server.SealingKey{sealingKey(1), sealingKey(1)}, "server: Config.SealingKeys: seal: master key 2 is given twice"},
		"one":   {[]server.SealingKey{sealingKey(1)}, ""},
		"two":   {[]server.SealingKey{sealingKey(1), sealingKey(2)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			defer store.Close()
			s, err := server.New(server.Config{Storage: store, SealingKeys: test.keys, PublicURL: "http://127.0.0.1"})
			if err == nil {
				_ = s.Close()
			}
			if got := fmt.Sprint(err); err != nil && got != test.err || (err == nil) != (test.err == "") {
				t.Errorf("New: %v, want %s", err, test.err)
			}
		})
	}
}

// TestNewRefusesAnotherMasterKey gives a service a Box that does not open what
// its storage holds.
func TestNewRefusesAnotherMasterKey(t *testing.T) {
	t.Parallel()
	store := memory.New()
	defer store.Close()
	open := func(fills ...byte) error {
		var sealing []server.SealingKey
		for _, fill := range fills {
			sealing = append(sealing, sealingKey(fill))
		}
		s, err := server.New(server.Config{Storage: store, SealingKeys: sealing, PublicURL: "http://127.0.0.1"})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	for i, test := range []struct {
		fills []byte
		want  error
	}{{[]byte{1}, nil}, {[]byte{2}, keys.ErrMasterKey}, {[]byte{2, 1}, nil}, {[]byte{1}, keys.ErrMasterKey}, {[]byte{1, 2}, nil}} {
		if err := open(test.fills...); !errors.Is(err, test.want) {
			t.Errorf("start %d with master keys %v: %v, want %v", i, test.fills, err, test.want)
		}
	}
}
