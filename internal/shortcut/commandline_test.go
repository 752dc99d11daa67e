package shortcut

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]commandLine{
		"credentials":                                      {wanted: Credentials},
		"credentials --format process --guest":             {wanted: Credentials},
		"credentials --config a --home b":                  {wanted: Credentials, config: "a", home: "b"},
		"credentials --config=a=b --home= --config c":      {wanted: Credentials, config: "c"},
		"credentials --format=process --home --guest":      {wanted: Credentials, home: "--guest"},
		"credentials --config a --format process --home b": {wanted: Credentials, config: "a", home: "b"},
		"token":               {wanted: Access},
		"token access":        {wanted: Access, named: true},
		"token --config=a id": {wanted: ID, named: true, config: "a"},
		"token id --config a": {wanted: ID, named: true, config: "a"},
	} {
		got, ok := parse(strings.Fields(line))
		if got != want || !ok {
			t.Errorf("%s: %+v, %t", line, got, ok)
		}
	}
	for _, line := range []string{
		"", "session", "--config a credentials", "credentials x", "credentials --format env", "credentials --json",
		"credentials --format", "credentials --config", "credentials --install p", "credentials --guest=false",
		"credentials --guest --", "credentials -h", "credentials --help", "credentials x --config", "credentials id",
		"token refresh", "token id access", "token access access", "token --json", "token --home a", "token --guest",
		"token --format process", "token -- id", "token id=",
	} {
		if got, ok := parse(strings.Fields(line)); ok {
			t.Errorf("%q: %+v", line, got)
		}
	}
}
