package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

func TestReport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"nothing", nil, exitDone, ""},
		{"plain", errors.New("it broke"), exitFailed, "latchkey: it broke\n"},
		{"two", errors.Join(errors.New("one"), errors.New("two")), exitFailed, "latchkey: one; two\n"},
		{"control characters", errors.New("a\x1b[2Jb"), exitFailed, `latchkey: a\x1b[2Jb` + "\n"},
		{"interrupted", fmt.Errorf("sign in: %w", context.Canceled), exitInterrupted, "latchkey: interrupted\n"},
		{"signed out", &latchkey.Error{Op: "Whoami", Kind: latchkey.ErrSignedOut}, exitSignedOut,
			"latchkey: you are signed out\nhint: sign in with `lk login`\n"},
		{"signed in elsewhere", &latchkey.Error{Kind: latchkey.ErrSignedOut, Err: &fault.Elsewhere{Service: "https://localhost:9"}}, exitSignedOut,
			"latchkey: you are signed out: the stored session was begun at https://localhost:9, which is another service\n" +
				"hint: use the configuration of that service, which --config names\nhint: sign in with `lk login`\n"},
		{"ended", &latchkey.Error{Kind: latchkey.ErrSessionExpired, Code: "X", Message: "Refresh Token has expired"}, exitSignedOut,
			"latchkey: your session has ended: Refresh Token has expired\nhint: sign in with `lk login`\n"},
		{"network", &latchkey.Error{Kind: latchkey.ErrNetwork, Err: errors.New("connection refused")}, exitNetwork,
			"latchkey: the service cannot be reached: connection refused\nhint: is the service running? `lk up` starts a local one; nothing was signed out\n"},
		{"go names", &latchkey.Error{Kind: latchkey.ErrBrowser, Hint: "set BROWSER or Config.OpenBrowser, or paste the answer (PasteAnswer)"}, exitFailed,
			"latchkey: no browser could be opened\nhint: set BROWSER, or use --no-browser\n"},
		{"go names of a configuration", &latchkey.Error{Kind: latchkey.ErrConfig, Hint: "check Config.Issuer"}, exitFailed,
			"latchkey: configuration error: check latchkey.issuer\n"},
		{"throttled", &latchkey.Error{Kind: latchkey.ErrThrottled, Message: "Attempt limit exceeded", Hint: "wait before trying again"}, exitFailed,
			"latchkey: throttled: Attempt limit exceeded\nhint: wait before trying again\n"},
		{"nested", &latchkey.Error{Kind: latchkey.ErrService, Err: &latchkey.Error{Kind: latchkey.ErrThrottled, Message: "later"}}, exitFailed,
			"latchkey: service failure: throttled: later\n"},
		{"keys", wrongToken(&jwt.Error{Part: "signature", Kind: jwt.ErrKeysUnavailable}), exitNetwork,
			"latchkey: signing keys are not available\n"},
		{"damaged", &latchkey.Error{Kind: latchkey.ErrStore, Err: &store.DamagedError{Path: "a.json", Aside: "b", Err: errors.New("torn")}}, exitFailed,
			"latchkey: the stored session a.json is damaged: torn; it was set aside as b\nhint: sign in again with `lk login`\n"},
		{"own code", &failure{code: exitUsage, err: errors.New("what?"), hints: []string{"this"}}, exitUsage,
			"latchkey: what?\nhint: this\n"},
		{"hints of both", &failure{err: &latchkey.Error{Kind: latchkey.ErrSignedOut}, hints: []string{"first"}}, exitSignedOut,
			"latchkey: you are signed out\nhint: first\nhint: sign in with `lk login`\n"},
	} {
		var errs bytes.Buffer
		a := &app{commandLine: &commandLine{program: "lk"}, console: console{out: ui.NewOutput(&bytes.Buffer{}), err: ui.NewOutput(&errs)}}
		if code := a.report(test.err); code != test.code || errs.String() != test.want {
			t.Errorf("%s: exit code %d, not %d, and text\n%s, not\n%s", test.name, code, test.code, errs.String(), test.want)
		}
	}
}

// full is a stream that takes nothing, as on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	code := run(t.Context(), []string{"latchkey", "version"}, Streams{In: strings.NewReader(""), Out: full{}, Err: &errs})
	if code != exitFailed || !strings.Contains(errs.String(), "standard output cannot be written: no space left") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func TestUpEndsWhenNobodyReadsWhereItIs(t *testing.T) {
	p := t.TempDir()
	t.Setenv("LATCHKEY_HOME", p)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(p, "config"))
	var errs bytes.Buffer
	args := []string{"latchkey", "up", "--json", "--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0"}
	code := run(t.Context(), args, Streams{In: strings.NewReader(""), Out: full{}, Err: &errs})
	if code != exitFailed || !strings.Contains(errs.String(), "no space left") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func TestInvocation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path string
		want bool
	}{
		{"/tmp/go-build123/b001/exe/latchkey", true},
		{"/home/ana/.cache/go-build/d9/d99b4960-d/latchkey", true},
		{"/tmp/go-build123/b001/latchkey.test", false},
		{"/usr/local/bin/latchkey", false},
		{"/home/go-build/latchkey", false},
	} {
		if got := builtByGoRun(test.path); got != test.want {
			t.Errorf("builtByGoRun(%q) = %v", test.path, got)
		}
	}
	if got := invocation("latchkey"); got != "latchkey" {
		t.Errorf("found in PATH: %q", got)
	}
	if name := filepath.Join("bin", "latchkey"); invocation(name) != name {
		t.Errorf("by its path: %q", invocation(name))
	}
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/a/b-c_d.json": "/a/b-c_d.json", "/my folder/x": "'/my folder/x'", "it's": `'it'\''s'`, "a;b/c": "'a;b/c'",
	} {
		if got := shellQuote(path); got != want {
			t.Errorf("shellQuote(%q) = %s", path, got)
		}
	}
}

func TestLazyClient(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(folder, "missing.pem"): "read certificate authorities: open ",
		empty:                                "holds no certificate in PEM form",
	} {
		client := lazyClient(file, func() {}) // does not read the file yet
		for range 2 {
			response, err := client.Post("http://127.0.0.1:1/", "text/plain", strings.NewReader("body"))
			if err == nil {
				_ = response.Body.Close()
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	transport, err := newTransport("")
	if plain, ok := transport.(*http.Transport); err != nil || !ok || plain.TLSClientConfig != nil && plain.TLSClientConfig.InsecureSkipVerify {
		t.Errorf("without a file the transport is %v, %v", transport, err)
	}
}
