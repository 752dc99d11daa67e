package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// scriptedJob is a job that notes the steps of the machine.
type scriptedJob struct {
	settled bool    // read finds that nothing is to be done
	answers []error // of its calls in turn; the last one is repeated
	next    step    // what judge says
	made    outcome // of a call that succeeds, and of read if settled
	panics  string  // the step that panics
	during  func(ctx context.Context)

	steps   []string
	changes []bool // what failed was told
}

func (j *scriptedJob) note(name string) {
	j.steps = append(j.steps, name)
	if name == j.panics {
		panic("a mistake")
	}
}

func (j *scriptedJob) read(context.Context) (outcome, bool) {
	j.note("read")
	return j.made, j.settled
}

func (j *scriptedJob) call(ctx context.Context) (outcome, error) {
	j.note("call")
	if j.during != nil {
		j.during(ctx)
	}
	err := j.answers[0]
	if len(j.answers) > 1 {
		j.answers = j.answers[1:]
	}
	return j.made, err
}

func (j *scriptedJob) judge(_ context.Context, f *fault.Fault, err error) (outcome, step) {
	j.note("judge")
	if fault.Find(err) != f && f.Class != fault.Unknown {
		panic("the fault is not the error's")
	}
	return outcome{err: err}, j.next
}

func (j *scriptedJob) abandon(_ context.Context, err error) outcome {
	j.note("abandon")
	return outcome{err: err}
}

func (j *scriptedJob) failed(_ *State, err error, changed bool) change {
	j.changes = append(j.changes, changed)
	return change{events: []Event{{Kind: RefreshFailed, Err: err}}}
}

// machine is a renewals over a store with one state in memory.
type machine struct {
	*renewals
	revoked []string
	sent    *subscriber
}

func newMachine(t *testing.T, kept store.Store) *machine {
	t.Helper()
	r := newRecords(t, kept)
	m := &machine{}
	m.renewals = &renewals{
		owner: r.owner, records: r, flights: &flights{life: r.life, running: map[flightKey]*flight{}}, backoff: &backoff{},
		revoke: func(_ context.Context, _ store.Account, refresh store.Secret) {
			m.revoked = append(m.revoked, refresh.Reveal())
		},
		log: slog.New(slog.DiscardHandler),
	}
	m.owner.replace(&State{user: stored(tokenRecord(5, "a"))})
	m.sent = listen(m.owner)
	return m
}

// renew runs one job in a flight, as the engine does, and waits for it.
func (m *machine) renew(t *testing.T, j job, behind bool) *flight {
	t.Helper()
	key := flightKey{tokensFlight, alice, m.owner.present()}
	f, err := m.flights.join(t.Context(), key, nil, func(ctx context.Context, f *flight) { m.run(ctx, f, alice, j, behind) })
	if err != nil {
		t.Fatal(err)
	}
	if err := f.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // what follows the flight
	return f
}

func retryable(class fault.Class, after time.Duration) error {
	return &fault.Fault{Class: class, Retryable: true, RetryAfter: after}
}

// TestRenewalSteps checks the steps of a renewal, how long they take, and how it ends.
func TestRenewalSteps(t *testing.T) {
	t.Parallel()
	down, lost := retryable(fault.ServerFailed, 0), retryable(fault.Unreached, 0)
	const once, ms = "read call", time.Millisecond
	for name, test := range map[string]struct {
		job         scriptedJob
		steps       string
		least, most time.Duration
		fails       bool
	}{
		"nothing to do":             {scriptedJob{settled: true}, "read", 0, 0, false},
		"success":                   {scriptedJob{answers: []error{nil}}, once, 0, 0, false},
		"success at the second try": {scriptedJob{answers: []error{down, nil}, next: later}, once + " judge " + once, 200 * ms, 400 * ms, false},
		"answered, three times":     {scriptedJob{answers: []error{down}, next: later}, once + " judge " + once + " judge " + once + " judge abandon", 600 * ms, 1200 * ms, true},
		"no answer, twice":          {scriptedJob{answers: []error{lost}, next: later}, once + " judge " + once + " judge abandon", 200 * ms, 400 * ms, true},
		"unusable answer, twice":    {scriptedJob{answers: []error{retryable(fault.Malformed, 0)}, next: later}, once + " judge " + once + " judge abandon", 200 * ms, 400 * ms, true},
		"not to be repeated":        {scriptedJob{answers: []error{errDown}, next: later}, once + " judge abandon", 0, 0, true},
		"no fault":                  {scriptedJob{answers: []error{errDisk}, next: later}, once + " judge abandon", 0, 0, true},
		"at once again":             {scriptedJob{answers: []error{errDown, nil}, next: again}, once + " judge " + once, 0, 0, false},
		"given up":                  {scriptedJob{answers: []error{down}, next: giveUp}, once + " judge", 0, 0, true},
		"asked to wait":             {scriptedJob{answers: []error{retryable(fault.TooManyCalls, longestPause), nil}, next: later}, once + " judge " + once, longestPause, longestPause, false},
		"asked to wait for long":    {scriptedJob{answers: []error{retryable(fault.TooManyCalls, longestPause+1)}, next: later}, once + " judge abandon", 0, 0, true},
		"a panic of read":           {scriptedJob{panics: "read"}, "read", 0, 0, true},
		"a panic of call":           {scriptedJob{panics: "call"}, once, 0, 0, true},
		"a panic of judge":          {scriptedJob{answers: []error{down}, panics: "judge"}, once + " judge", 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, j := newMachine(t, store.NewMemory()), test.job
				began := time.Now()
				f := m.renew(t, &j, false)
				if got := strings.Join(j.steps, " "); got != test.steps || (f.err != nil) != test.fails {
					t.Errorf("%s: %s: %v, want %s", name, got, f.err, test.steps)
				}
				if took := time.Since(began); took < test.least || took > test.most {
					t.Errorf("%s: took %v, want %v to %v", name, took, test.least, test.most)
				}
				if called := strings.Contains(test.steps, "call"); f.called != called {
					t.Errorf("%s: the service was asked: %t", name, f.called)
				}
				if unlock, err := m.records.lock(t.Context(), alice); err != nil {
					t.Errorf("%s: the lock is held: %v", name, err)
				} else {
					unlock()
				}
				if barred := m.backoff.bars(1, time.Now(), false) != nil; barred != test.fails || len(m.sent.queue) != len(j.changes) {
					t.Errorf("%s: the next one waits: %t, %d events", name, barred, len(m.sent.queue))
				}
			})
		})
	}
}

// TestRenewalSettles checks what an outcome changes.
func TestRenewalSettles(t *testing.T) {
	t.Parallel()
	next := func(now *State) change {
		return change{state: &State{user: stored(tokenRecord(6, "b"))}, events: []Event{{Kind: Refreshed}}}
	}
	for name, test := range map[string]struct {
		made       outcome
		moved      bool // another login takes the place during the call
		generation uint64
		kinds      []EventKind
		barred     bool
		revoked    int
	}{
		"a new state":             {outcome{change: next}, false, 6, []EventKind{Refreshed}, false, 0},
		"nothing":                 {outcome{}, false, 5, nil, false, 0},
		"an error":                {outcome{err: errDown}, false, 5, []EventKind{RefreshFailed}, true, 0},
		"an error and a state":    {outcome{err: errDown, change: next}, false, 6, []EventKind{Refreshed, RefreshFailed}, true, 0},
		"moved":                   {outcome{err: errMoved, change: next}, false, 5, nil, false, 0},
		"an orphan":               {outcome{err: errDown, orphan: store.NewSecret("r")}, false, 5, []EventKind{RefreshFailed}, true, 1},
		"another login":           {outcome{change: next}, true, 9, nil, false, 0},
		"another login, an error": {outcome{err: errDown, change: next}, true, 9, nil, false, 0},
		"another login, orphan":   {outcome{change: next, orphan: store.NewSecret("r")}, true, 9, nil, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, store.NewMemory())
				j := &scriptedJob{answers: []error{nil}, made: test.made}
				if test.moved {
					j.during = func(context.Context) { m.owner.replace(&State{user: stored(tokenRecord(9, "z"))}) }
				}
				f := m.renew(t, j, false)
				if !errors.Is(f.err, test.made.err) {
					t.Errorf("%s: the callers get %v", name, f.err)
				}
				if got := m.owner.load().user.Record.Generation; got != test.generation {
					t.Errorf("%s: generation %d, want %d", name, got, test.generation)
				}
				if got := m.sent.kinds(); fmt.Sprint(got) != fmt.Sprint(test.kinds) {
					t.Errorf("%s: events %v, want %v", name, got, test.kinds)
				}
				if barred := m.backoff.bars(1, time.Now(), false) != nil; barred != test.barred || len(m.revoked) != test.revoked {
					t.Errorf("%s: the next one waits: %t, %d revoked", name, barred, len(m.revoked))
				}
			})
		})
	}
}

// TestRenewalTellsOnce checks a service that stays down: only the first failure is a
// change, and the first after a success.
func TestRenewalTellsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, store.NewMemory())
		j := &scriptedJob{answers: []error{errBusy, errDown, errDown, nil, errDown}}
		for range 5 {
			m.renew(t, j, false)
		}
		if got := fmt.Sprint(j.changes); got != "[true true false true]" {
			t.Errorf("changes %s", got)
		}
	})
}
