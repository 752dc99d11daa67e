package sqlite

import (
	"fmt"
	"testing"
)

// TestShelfVersions: a row is used only by those whose version it belongs to.
func TestShelfVersions(t *testing.T) {
	t.Parallel()
	s := &shelf[string, int]{limit: 10}
	expect := func(k string, version uint64, want int, there bool) {
		t.Helper()
		if got, ok := s.get(k, at(version)); got != want || ok != there {
			t.Errorf("get %s at version %d: %d, %v, want %d, %v", k, version, got, ok, want, there)
		}
	}
	s.put("a", 1, at(0))
	s.put("b", 1, at(0))
	expect("a", 0, 1, true)
	expect("a", 1, 0, false) // a commit that the shelf has not heard of
	s.put("a", 2, at(1))     // read there
	expect("a", 0, 1, true)

	s.touch("a")
	if !s.touched("a") || s.touched("b") {
		t.Error("touched is wrong")
	}
	s.publish() // version 1: a changed
	expect("a", 1, 0, false)
	expect("a", 0, 0, false)
	expect("b", 1, 1, true)
	expect("b", 0, 1, true)
	s.put("a", 1, at(0)) // read before the commit, put after
	expect("a", 1, 0, false)
	s.put("a", 2, at(1))
	expect("a", 1, 2, true)
	expect("a", 0, 0, false) // too new for an old snapshot

	s.touch("a")
	s.discard() // the batch failed
	if s.touched("a") {
		t.Error("a discarded mark stayed")
	}
	s.all = true
	if !s.touched("b") {
		t.Error("touched does not know that all changed")
	}
	s.publish()
	expect("a", 2, 0, false)
	expect("b", 2, 0, false)
}

// TestShelfDuringCommit: to those who see the version before or after a commit that
// is under way, a row is good that the commit leaves alone.
func TestShelfDuringCommit(t *testing.T) {
	t.Parallel()
	const before, after = 7, 8
	for _, test := range []struct {
		name string
		seen span
		all  bool
		// What is found of a row that changes and of one that stays, while the commit
		// is under way and once it is published.
		changes, stays, changed, stayed bool
	}{
		{"the version before", at(before), false, true, true, false, true},
		{"either", span{before, after}, false, false, true, false, true},
		{"either, and all changes", span{before, after}, true, false, false, false, false},
		{"either, and the one before", span{before - 1, after}, false, false, false, false, false},
		{"either, and the one to come", span{before, after + 1}, false, false, false, false, false},
		{"the version to come", at(after + 1), false, false, false, false, false},
	} {
		s := &shelf[string, int]{limit: 10, version: before}
		s.put("changes", 1, at(before))
		s.put("stays", 1, at(before))
		s.touch("changes")
		s.all = test.all
		found := func(k string) bool { _, ok := s.get(k, test.seen); return ok }
		s.announce()
		if found("changes") != test.changes || found("stays") != test.stays {
			t.Errorf("%s, during the commit: %v, %v", test.name, found("changes"), found("stays"))
		}
		s.publish()
		if found("changes") != test.changed || found("stays") != test.stayed {
			t.Errorf("%s, after the commit: %v, %v", test.name, found("changes"), found("stays"))
		}
	}
}

// TestShelfTakesDuringCommit: a row read by somebody who does not know the version
// is taken if the commit leaves it alone, and only until that is over.
func TestShelfTakesDuringCommit(t *testing.T) {
	t.Parallel()
	s := &shelf[string, int]{limit: 10, version: 7}
	either := span{7, 8}
	s.put("early", 1, either) // no commit is known to be under way
	s.touch("changes")
	s.announce()
	s.put("changes", 1, either)
	s.put("stays", 1, either)
	s.put("old", 1, span{6, 8})
	s.publish()
	s.put("late", 1, either)
	for k, want := range map[string]bool{"early": false, "changes": false, "stays": true, "old": false, "late": false} {
		for _, seen := range []span{either, at(7), at(8)} {
			if _, ok := s.get(k, seen); ok != want {
				t.Errorf("%s is found by one who sees %v: %v", k, seen, ok)
			}
		}
	}
}

// TestShelfBound: a shelf stays within twice its limit and keeps what is used.
func TestShelfBound(t *testing.T) {
	t.Parallel()
	s := &shelf[string, int]{limit: 10}
	for i := range 1000 {
		s.put(fmt.Sprint(i), i, at(0))
		if i%3 == 0 {
			s.put("used", -1, at(0))
		}
		if _, ok := s.get("used", at(0)); !ok {
			t.Fatalf("a row in use was dropped after %d others", i)
		}
		if n := len(s.young) + len(s.old); n > 20 {
			t.Fatalf("%d rows on a shelf of 10", n)
		}
	}
	none := &shelf[string, int]{limit: -1}
	none.put("a", 1, at(0))
	if _, ok := none.get("a", at(0)); ok {
		t.Error("a shelf that is turned off keeps rows")
	}
}
