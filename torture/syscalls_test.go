package torture

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// calls are the system calls of a refresh: those that read and change the
// folder, and those that talk to the service.
var calls = []string{"openat", "flock", "fchmodat", "fchmod", "write", "fsync", "renameat", "unlinkat", "close", "connect", "read"}

// stages are the moments that must be among those killed at, by what strace
// shows of the call that was about to happen.
var stages = map[string]*regexp.Regexp{
	"before the refresh lock":              regexp.MustCompile(`^flock\(\d+<[^>]*\.refresh\.lock>, LOCK_EX`),
	"before the connection":                regexp.MustCompile(`^connect\(.*sin_port`),
	"before the request is sent":           regexp.MustCompile(`^write\(\d+<TCP`),
	"before the record's lock":             regexp.MustCompile(`^flock\(\d+<[^>]*/[^>/.]+\.[^>/.]+\.lock>, LOCK_EX`),
	"before the backup is in place":        regexp.MustCompile(`^renameat\(.*\.json\.bak\.[0-9a-f]{16}\.tmp"`),
	"before the temporary file is made":    regexp.MustCompile(`^openat\(.*\.json\.[0-9a-f]{16}\.tmp"`),
	"before the temporary file is written": regexp.MustCompile(`^write\(\d+<[^>]*\.json\.[0-9a-f]{16}\.tmp`),
	"before the temporary file is synced":  regexp.MustCompile(`^fsync\(\d+<[^>]*\.json\.[0-9a-f]{16}\.tmp`),
	"before the temporary file is closed":  regexp.MustCompile(`^close\(\d+<[^>]*\.json\.[0-9a-f]{16}\.tmp`),
	"before the rename":                    regexp.MustCompile(`^renameat\(.*\.json\.[0-9a-f]{16}\.tmp"`),
	"before the folder is synced":          regexp.MustCompile(`^fsync\(\d+<[^>]*/sessions>`),
	"before the record is unlocked":        regexp.MustCompile(`^flock\(\d+<[^>]*/[^>/.]+\.[^>/.]+\.lock>, LOCK_UN`),
	"before the refresh is unlocked":       regexp.MustCompile(`^flock\(\d+<[^>]*\.refresh\.lock>, LOCK_UN`),
}

// TestKillAtEverySystemCall kills the program as it enters its first, second,
// third… call of each kind, until it lives to its end.
func TestKillAtEverySystemCall(t *testing.T) {
	const done = "SIGKILL at the system calls of a refresh, one number after the other"
	strace, err := exec.LookPath("strace")
	if err != nil {
		skip(t, done, "there is no strace")
	}
	if err := exec.Command(strace, "-f", "-qq", "-o", os.DevNull, refresher, "-h").Run(); err != nil {
		skip(t, done, fmt.Sprintf("strace may not trace (%v)", err))
	}
	s := startService(t)
	p := s.signIn(t, s.rotating(t, time.Minute), s.Endpoint)
	e := &enumeration{place: p, strace: strace, log: filepath.Join(t.TempDir(), "strace"), reached: make(map[string]int)}
	began := time.Now()
	const attempts = 30 // a step may hide behind another thread's call of the same number, in most rounds
	for round := 0; round < form(1, 20) || len(e.reached) < len(stages) && round < attempts; round++ {
		for _, call := range calls {
			e.enumerate(t, call)
		}
	}
	e.tally.check(t)
	for _, stage := range slices.Sorted(maps.Keys(stages)) {
		t.Logf("%5d kills %s", e.reached[stage], stage)
		if e.reached[stage] == 0 {
			t.Errorf("nothing was killed %s", stage)
		}
	}
	figure(t, fmt.Sprintf("%s, rotation on: %d kills, each of %d named steps from the first lock to the last unlock among them", done, e.kills, len(stages)),
		e.tally.String(), killsElsewhere)
	t.Logf("%v in all", time.Since(began).Round(time.Second))
}

type enumeration struct {
	tally
	place   *place
	strace  string
	log     string         // what strace writes
	reached map[string]int // kills, by stage
}

// enumerate kills at the first call of a kind, the second, and so on. Calls of
// the store are all on one thread and come in the same order each time. Calls of
// the network wander between threads, and strace counts by thread, so that one
// run without a kill is not yet the end.
func (e *enumeration) enumerate(t *testing.T, call string) {
	t.Helper()
	const patience = 2
	for when, survived := 1, 0; survived < patience; when++ {
		generation, err := e.place.generation(t)
		if err != nil {
			t.Fatal(err)
		}
		if !e.kill(t, call, when) {
			survived++
			continue
		}
		e.kills++
		e.audit(t, e.place, generation, fmt.Sprintf("kill at %s number %d", call, when))
	}
}

// kill runs the program until its when-th call of a kind, and reports whether it
// was killed there.
func (e *enumeration) kill(t *testing.T, call string, when int) bool {
	t.Helper()
	inject := fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, when)
	cmd := e.place.command(t.Context(), []string{e.strace, "-f", "-qq", "-yy", "-s", "0", "-o", e.log, "-e", "trace=" + call, "-e", inject}, "-pin")
	err := cmd.Run()
	if err == nil {
		return false
	}
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok || failed.Exited() {
		t.Fatalf("%s: %v", inject, err)
	}
	log, err := os.ReadFile(e.log)
	if err != nil {
		t.Fatal(err)
	}
	e.note(call, string(log))
	return true
}

// note counts the stage of a kill: that of the last call in strace's log.
func (e *enumeration) note(call, log string) {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	for _, line := range slices.Backward(lines) {
		_, text, _ := strings.Cut(line, " ")
		text = strings.TrimSpace(text)
		if !strings.HasPrefix(text, call+"(") {
			continue
		}
		for stage, pattern := range stages {
			if pattern.MatchString(text) {
				e.reached[stage]++
			}
		}
		return
	}
}

// median returns the middle of some values.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
