package torture

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"
	"time"
)

// member is one of the processes that share the session.
type member struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

func enlist(t *testing.T, p *place) *member {
	t.Helper()
	m := &member{cmd: p.command(t.Context(), nil, "-barrier")}
	var err error
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.lines = bufio.NewScanner(stdout)
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return m
}

// answer reads what the process found.
func (m *member) answer() (found report, err error) {
	if !m.lines.Scan() {
		return found, errors.Join(errors.New("the process said nothing"), m.lines.Err())
	}
	err = json.Unmarshal(m.lines.Bytes(), &found)
	return found, err
}

// expiry is what one expiry came to.
type expiry struct {
	calls, refused, signOuts, failures int
	tokens                             map[string]bool // access tokens that were handed out
}

// TestExpireTogether has many processes find at once that the tokens of the
// session they share have expired. The service rotates without grace, so that a
// second use of a refresh token ends the session for all of them.
func TestExpireTogether(t *testing.T) {
	s := startService(t)
	m := newMeter(t, s.Endpoint)
	p := s.signIn(t, s.rotating(t, 0), m.URL)
	processes, expiries := form(10, 50), form(10, 200)
	var members []*member
	for range processes {
		members = append(members, enlist(t, p))
	}
	began, last := time.Now(), ""
	var total expiry
	for n := range expiries {
		age(t, p.files, p.user, 2*time.Hour)
		e := expire(t, m, members)
		total.calls, total.refused = total.calls+e.calls, total.refused+e.refused
		total.signOuts, total.failures = total.signOuts+e.signOuts, total.failures+e.failures
		if e.calls != 1 || e.refused+e.signOuts+e.failures > 0 || len(e.tokens) != 1 || e.tokens[last] {
			t.Fatalf("expiry %d: %+v, before it %s; refusals %v", n+1, e, last, m.refused)
		}
		for last = range e.tokens {
		}
	}
	for _, member := range members {
		_ = member.stdin.Close() // Wait tells
		if err := member.cmd.Wait(); err != nil {
			t.Errorf("process: %v", err)
		}
	}
	if temporary, damaged := leftovers(t, p.dir); temporary+damaged > 0 {
		t.Errorf("%d temporary and %d damaged files are left", temporary, damaged)
	}
	figure(t, fmt.Sprintf("%d processes × %d expiries of one stored session, rotation without grace", processes, expiries),
		fmt.Sprintf("%d refresh calls, %d refused (token reuse included), %d sign-outs, %d of %d callers without the new token",
			total.calls, total.refused, total.signOuts, total.failures, processes*expiries),
		"lock of the MSAL extensions: 67 of 1,000 critical sections of 20 processes overlapped; Ory Hydra's grace forks: 5 concurrent refreshes are expected to give 5 live pairs, and SQLite is left out of that test")
	t.Logf("%v in all", time.Since(began).Round(time.Second))
}

// expire lets all processes go at once and gathers what they found.
func expire(t *testing.T, m *meter, members []*member) expiry {
	t.Helper()
	callsBefore, refusedBefore := m.counts()
	for _, member := range members {
		if _, err := io.WriteString(member.stdin, "\n"); err != nil {
			t.Fatal(err)
		}
	}
	e := expiry{tokens: make(map[string]bool)}
	for _, member := range members {
		found, err := member.answer()
		switch {
		case err != nil:
			t.Fatal(err)
		case !found.SignedIn:
			e.signOuts++
		case found.Error != "" || found.Token == "":
			e.failures++
			t.Log(found.Error)
		default:
			e.tokens[found.Token] = true
		}
	}
	calls, refused := m.counts()
	e.calls, e.refused = calls-callsBefore, refused-refusedBefore
	return e
}
