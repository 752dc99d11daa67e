package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestCAFileOfConfiguration uses the service over https with files of authorities of
// several sizes. A file that cannot be used is a mistake of the configuration, in the words
// of the library, and not a network failure.
func TestCAFileOfConfiguration(t *testing.T) {
	t.Parallel()
	home := newPlace(t)
	s, err := startService(home, "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.kill() })
	authority, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	sized := func(size int) []byte {
		return append(append(bytes.Repeat([]byte("#"), size-len(authority)-1), '\n'), authority...)
	}
	for name, test := range map[string]struct {
		text []byte
		want string // in the error; empty for none
	}{
		"1 MiB":      {sized(1<<20 + 1), ""},
		"4 MiB":      {sized(4 << 20), ""},
		"over 4 MiB": {sized(4<<20 + 1), "has more than 4194304 bytes"},
		"no PEM":     {[]byte("nothing\n"), "holds no certificate in PEM form"},
	} {
		file := filepath.Join(string(home), strings.ReplaceAll(name, " ", "-")+".pem")
		if err := os.WriteFile(file, test.text, 0o600); err != nil {
			t.Fatal(err)
		}
		config := overHTTPS(t, s, file)
		out, said, code := home.run(t, s.Password, "login", "demo", "--password-stdin", "--config", config)
		if test.want == "" {
			if code != exitDone {
				t.Errorf("%s: exit %d\n%s%s", name, code, out, said)
			}
			continue
		}
		want := "latchkey: read certificate authorities: " + file + " " + test.want + "\nhint: correct latchkey.ca_file in the configuration\n"
		if code != exitUsage || said != want {
			t.Errorf("%s: exit %d, %q\nwant %q", name, code, said, want)
		}
		if _, said, code := home.run(t, "", "verify", "--config", config); code == exitNetwork {
			t.Errorf("%s: verify: exit %d, %q", name, code, said)
		}
	}
	if err := s.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// overHTTPS is the service's configuration with its https address and a file of
// authorities.
func overHTTPS(t *testing.T, s *service, caFile string) (path string) {
	t.Helper()
	text, err := os.ReadFile(s.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	var outputs map[string]any
	if err := json.Unmarshal(text, &outputs); err != nil {
		t.Fatal(err)
	}
	own := outputs["latchkey"].(map[string]any)
	own["user_pool_endpoint"], own["identity_pool_endpoint"], own["ca_file"] = s.HTTPSEndpoint, s.HTTPSEndpoint, caFile
	if text, err = json.Marshal(outputs); err != nil {
		t.Fatal(err)
	}
	path = caFile + ".json"
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
