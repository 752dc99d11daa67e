package cli

import (
	"bufio"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// watcher is `latchkey session --watch` in a process of its own.
type watcher struct {
	t     *testing.T
	lines *bufio.Scanner
	stop  func() int // ends it as Ctrl-C does and returns the exit code
	errs  *syncBuffer
}

func (p place) watch(t *testing.T, args ...string) *watcher {
	t.Helper()
	cmd := p.command(append([]string{"session", "--watch"}, args...)...)
	w := &watcher{t: t, errs: &syncBuffer{}}
	cmd.Stderr = w.errs
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	w.lines = bufio.NewScanner(pipe)
	w.stop = func() int {
		defer watchdog.Stop()
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, pipe)
		_ = cmd.Wait() // the code says it
		return cmd.ProcessState.ExitCode()
	}
	t.Cleanup(func() { w.stop() })
	return w
}

// next reads a line with an event.
func (w *watcher) next() sessionEvent {
	w.t.Helper()
	if !w.lines.Scan() {
		w.t.Fatalf("there is no further event: %s", w.errs.String())
	}
	var e sessionEvent
	if err := wire.Unmarshal(w.lines.Bytes(), &e); err != nil {
		w.t.Fatalf("%q: %v", w.lines.Text(), err)
	}
	return e
}

// until reads lines up to one that contains text.
func (w *watcher) until(text string) {
	w.t.Helper()
	for w.lines.Scan() {
		if strings.Contains(w.lines.Text(), text) {
			return
		}
	}
	w.t.Fatalf("%q was never shown: %s", text, w.errs.String())
}

// TestSessionWatchShowsChanges follows a session that other processes change, as JSON and as
// text at once, and ends with Ctrl-C.
func TestSessionWatchShowsChanges(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	json, text := p.watch(t, "--json"), p.watch(t)
	if e := json.next(); e.Event != "SignedOut" || e.Session.SignedIn {
		t.Errorf("without a session: %+v", e)
	}
	text.until("Signed in")

	p.must(t, s.Password, 0, "login", "demo", "--password-stdin")
	if e := json.next(); e.Event != "Restored" || e.Username != "demo" || !e.Session.SignedIn || e.Session.AccessToken.SecondsLeft == nil {
		t.Errorf("after a sign-in: %+v", e)
	}
	text.until("Restored  demo")

	p.must(t, "", 0, "token", "--refresh")
	if e := json.next(); e.Event != "Refreshed" || e.Cause != "remote" {
		t.Errorf("after a refresh: %+v", e)
	}
	text.until("Refreshed  demo  by another program  access token ")

	p.must(t, "", 0, "logout")
	if e := json.next(); e.Event != "SignedOut" || e.Cause != "remote" || e.Session.SignedIn {
		t.Errorf("after a sign-out: %+v", e)
	}
	text.until("SignedOut  demo  by another program")
	for _, w := range []*watcher{json, text} {
		if code := w.stop(); code != exitInterrupted || w.errs.String() != "latchkey: interrupted\n" {
			t.Errorf("the watch ends with %d: %s", code, w.errs.String())
		}
	}
}

// TestSessionWatchRefreshesFirst checks --refresh --watch, with and without a session.
func TestSessionWatchRefreshesFirst(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	p.must(t, "", 3, "session", "--refresh", "--watch")
	p.must(t, s.Password, 0, "login", "demo", "--password-stdin")
	before, _ := p.must(t, "", 0, "token")
	w := p.watch(t, "--refresh", "--json")
	if e := w.next(); !e.Session.SignedIn {
		t.Errorf("%+v", e)
	}
	if after, _ := p.must(t, "", 0, "token"); after == before {
		t.Error("the token is the old one")
	}
	w.stop()
}
