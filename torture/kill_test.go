package torture

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/store"
)

// What other programs' stores do when they are killed while they write, measured
// with 1,000 and 200 kills at random moments under continuous writing.
const killsElsewhere = "MSAL for Go, file cache: 861 of 1,000 unreadable; 99designs/keyring, file: 38 of 200 unreadable; " +
	"temporary file and rename alone: 0 of 1,000 unreadable, up to 800 temporary files left"

// tally counts what kills did.
type tally struct {
	kills      int // processes that did not live to their end
	lost       int // sessions that were over or could not refresh after it
	unreadable int // stores that could not be read after it
	found      int // temporary files that kills left
	left       int // those that were still there after the next start
	before     int // kills that left the generation before
	after      int // kills that left the new one
}

func (c *tally) String() string {
	return fmt.Sprintf("%d lost sessions, %d unreadable stores, %d of %d temporary files left after the next start (%d kills left the old generation, %d the new one)",
		c.lost, c.unreadable, c.left, c.found, c.before, c.after)
}

// check fails the test for everything that must not be.
func (c *tally) check(t *testing.T) {
	t.Helper()
	if c.lost+c.unreadable+c.left > 0 {
		t.Errorf("%v", c)
	}
}

// generation reads the stored session in this process, as it was left.
func (p *place) generation(t *testing.T) (uint64, error) {
	t.Helper()
	record, err := p.files.Load(t.Context(), p.user)
	if err == nil && (record.Tokens == nil || record.Ended != nil) {
		err = fmt.Errorf("the session is over: %+v", record.Ended)
	}
	return record.Generation, err
}

// audit looks at what a killed process left, starts the program again, and looks
// again. generation is what was stored before the killed process started.
func (c *tally) audit(t *testing.T, p *place, generation uint64, what string) {
	t.Helper()
	found, err := p.generation(t)
	switch {
	case errors.Is(err, store.ErrDamaged):
		c.unreadable++
		t.Logf("%s: %v", what, err)
	case err != nil:
		c.lost++
		t.Logf("%s: %v", what, err)
	case found == generation:
		c.before++
	case found > generation:
		c.after++
	}
	temporary, _ := leftovers(t, p.dir)
	c.found += temporary
	next := p.restart(t)
	if !next.SignedIn || next.Error != "" || next.Token == "" {
		c.lost++
		t.Logf("%s: the next start finds %+v", what, next)
	}
	temporary, damaged := leftovers(t, p.dir)
	c.left += temporary
	c.unreadable += damaged
	if c.lost+c.unreadable > 0 {
		t.Fatalf("%s: %v", what, c)
	}
}

// TestRandomKills kills a process at random moments of its refresh, with
// rotation on. The next start finds the session, whether the refresh token was
// spent or not, and whether its successor was stored or not.
func TestRandomKills(t *testing.T) {
	s := startService(t)
	p := s.signIn(t, s.rotating(t, time.Minute), s.Endpoint)
	n, took := form(50, 5000), measure(t, p)
	began, alive := time.Now(), 0
	var c tally
	for c.kills < n || (c.before == 0 || c.after == 0) && c.kills < 10*n {
		generation, err := p.generation(t)
		if err != nil {
			t.Fatal(err)
		}
		if (c.kills+alive)%25 == 24 { // other load on the machine comes and goes
			took = measure(t, p)
		}
		after := rand.N(took * 5 / 4)
		if !killAfter(t, p, after) {
			if alive++; alive > 10*n {
				break
			}
			continue
		}
		c.kills++
		c.audit(t, p, generation, fmt.Sprintf("kill %d after %v", c.kills, after))
	}
	c.check(t)
	if c.kills < n || c.before == 0 || c.after == 0 {
		t.Errorf("of %d kills %d came before and %d after the session was stored: the moments are badly chosen", c.kills, c.before, c.after)
	}
	figure(t, fmt.Sprintf("%d SIGKILLs at random moments of a refresh of %v, rotation on", c.kills, took.Round(time.Millisecond)), c.String(), killsElsewhere)
	t.Logf("%v in all", time.Since(began).Round(time.Second))
}

// measure returns the median time from "ready" to the end of the process.
func measure(t *testing.T, p *place) time.Duration {
	t.Helper()
	took := make([]time.Duration, 0, 5)
	for range cap(took) {
		cmd := p.command(t.Context(), nil)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		lines.Scan()
		ready := time.Now()
		for lines.Scan() { // to the end
		}
		took = append(took, time.Since(ready))
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	return median(took)
}

// killAfter kills a refresh that long after it began, and reports whether it
// came before the end.
func killAfter(t *testing.T, p *place, after time.Duration) bool {
	t.Helper()
	cmd := p.command(t.Context(), nil)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if lines := bufio.NewScanner(stdout); !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("refresher said %q", lines.Text())
	}
	time.Sleep(after) // the fault itself, not a wait
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	return cmd.Wait() != nil
}

// TestKillAroundTheAnswer kills a process while its request is on the way, and
// after the service has answered it, which is the worst moment there is: the
// stored refresh token is spent, and nobody holds its successor. Up to three
// processes die so, one after the other, before one lives.
func TestKillAroundTheAnswer(t *testing.T) {
	s := startService(t)
	m := newMeter(t, s.Endpoint)
	p := s.signIn(t, s.rotating(t, time.Minute), m.URL)
	var c tally
	spent := 0
	for n := range form(15, 500) {
		generation, err := p.generation(t)
		if err != nil {
			t.Fatal(err)
		}
		calls, _ := m.counts()
		for range 1 + n%3 {
			killInCall(t, p, m, n%2 == 0)
			c.kills++
		}
		now, refused := m.counts()
		if spent += now - calls; refused > 0 {
			t.Errorf("the service refused %v", m.refused)
		}
		c.audit(t, p, generation, fmt.Sprintf("round %d", n))
	}
	c.check(t)
	if spent < c.kills/3 || c.after > 0 {
		t.Errorf("%d answers to %d killed processes; %d stored", spent, c.kills, c.after)
	}
	figure(t, fmt.Sprintf("%d SIGKILLs between request and answer, up to three in a row, rotation on; the service had spent the token in %d", c.kills, spent),
		fmt.Sprintf("%d lost sessions, %d unreadable stores, %d temporary files left, 0 refusals", c.lost, c.unreadable, c.left),
		"no figures are published")
}

// killInCall starts a process and kills it when its request arrives, or when the
// service has answered it.
func killInCall(t *testing.T, p *place, m *meter, answered bool) {
	t.Helper()
	cmd := p.command(t.Context(), nil)
	started, dead := make(chan struct{}), make(chan error, 1)
	kill := func() {
		<-started
		err := cmd.Process.Kill()
		if cmd.Wait() == nil {
			err = errors.New("the process lived")
		}
		dead <- err
	}
	if answered {
		m.strike(nil, kill)
	} else {
		m.strike(kill, nil)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if err := <-dead; err != nil {
		t.Fatal(err)
	}
}
