//go:build unix

package cli

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/latchkey-auth/latchkey"
)

// TestForwardSignals checks that signals reach the command, whose handler decides how it ends.
func TestForwardSignals(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1} {
		child := exec.Command("sh", "-c", "trap 'exit 9' "+name+"; echo ready; while :; do sleep 0.01; done")
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		signals, done := make(chan os.Signal, 1), make(chan struct{})
		signals <- signal
		go forwardSignals(child.Process, signals, done)
		_ = child.Wait()
		close(done)
		if got := codeOf(child.ProcessState); got != 9 {
			t.Errorf("%s: code %d", name, got)
		}
	}
}

// TestCodeOf checks the exit codes of commands that a signal has ended.
func TestCodeOf(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -KILL $$": 137, "kill -INT $$": 130} {
		child := exec.Command("sh", "-c", script)
		_ = child.Run()
		if got := codeOf(child.ProcessState); got != want {
			t.Errorf("%s: code %d, want %d", script, got, want)
		}
	}
}

// TestTryProfile checks that AWS is not named for keys that it does not know.
func TestTryProfile(t *testing.T) {
	t.Parallel()
	for endpoint, aws := range map[string]bool{
		"": true, "https://cognito-identity.us-east-1.amazonaws.com/": true, "https://vpce-1.cognito-identity.us-east-1.vpce.amazonaws.com": true,
		"http://127.0.0.1:9229": false, "https://login.example.com": false, "https://amazonaws.com.example.com": false,
	} {
		hint := tryProfile(latchkey.Config{IdentityPoolEndpoint: endpoint}, "work")
		if strings.Contains(hint, "sts get-caller-identity") != aws {
			t.Errorf("%s: %s", endpoint, hint)
		}
	}
}
