//go:build linux

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bashCompletion is the library that completion scripts for bash need.
const bashCompletion = "/usr/share/bash-completion/bash_completion"

// shells start an interactive shell without the user's own files, and say what it reads first.
func shells(t *testing.T) map[string]struct {
	args  []string
	setUp string
} {
	t.Helper()
	return map[string]struct {
		args  []string
		setUp string
	}{
		"bash": {[]string{"bash", "--noprofile", "--norc", "-i"}, "bind 'set enable-bracketed-paste off'; . " + bashCompletion + "; . <(latchkey completion bash)"},
		"zsh":  {[]string{"zsh", "-f", "-i"}, "unset zle_bracketed_paste; unsetopt prompt_sp; autoload -U compinit; compinit -u -D; . <(latchkey completion zsh)"},
	}
}

// without skips a test that needs a program or file, and fails it in CI.
func without(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: %v", what, err)
	}
	t.Skipf("%s is missing: %v", what, err)
}

// TestCompletion types the beginning of commands into interactive shells, has the Tab key
// complete them, and reads the line that becomes of it.
func TestCompletion(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	if err := s.addUser("ann", "Correct-Horse-9", true); err != nil {
		t.Fatal(err)
	}
	p.must(t, "Correct-Horse-9", 0, "login", "ann", "--password-stdin")
	p.must(t, s.Password, 0, "login", "demo", "--password-stdin")
	aws := filepath.Join(string(p), ".aws")
	if err := os.MkdirAll(aws, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(aws, "config"), []byte("[profile work]\n[default]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(string(p), "annual.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(shell.args[0])
			without(t, shell.args[0], err)
			if name == "bash" {
				_, err := os.Stat(bashCompletion)
				without(t, bashCompletion, err)
			}
			cmd := exec.Command(path, shell.args[1:]...)
			cmd.Env = append(p.env(), "PS1=$ ", "TERM=dumb", "AWS_CONFIG_FILE=")
			cmd.Dir = string(p)
			c := talk(t, cmd)
			c.say(shell.setUp + "; echo set-up-$((1+1))\n")
			c.expect("set-up-2")
			for _, line := range [][2]string{
				{"latchkey stat", "latchkey status"},
				{"latchkey accounts switch a", "latchkey accounts switch ann"},
				{"latchkey whoami --account d", "latchkey whoami --account demo"},
				{"latchkey login a", "latchkey login ann"},
				{"latchkey credentials --format e", "latchkey credentials --format env"},
				{"latchkey status --format j", "latchkey status --format json"},
				{"latchkey up --log-level d", "latchkey up --log-level debug"},
				{"latchkey credentials --install w", "latchkey credentials --install work"},
				{"latchkey token i", "latchkey token id"},
				{"latchkey session --wat", "latchkey session --watch"},
				{"latchkey help cred", "latchkey help credentials"},
				{"latchkey whoami ann", "latchkey whoami ann"}, // no file, since it takes none
				{"latchkey whoami --config annu", "latchkey whoami --config annual.json"},
			} {
				// Home, "echo '", End, "'": the line is shown, and not run.
				c.say(line[0] + "\t" + "\x01echo 'got:\x05:end'\n")
				c.expect("\ngot:")
				start := c.seen
				c.expect(":end")
				if got := strings.TrimSpace(strings.TrimSuffix(c.said[start:c.seen], ":end")); got != line[1] {
					t.Errorf("%q becomes %q, want %q", line[0], got, line[1])
				}
			}
		})
	}
}
