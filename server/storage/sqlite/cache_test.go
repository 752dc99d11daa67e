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
		if got, ok := s.get(k, version); got != want || ok != there {
			t.Errorf("get %s at version %d: %d, %v, want %d, %v", k, version, got, ok, want, there)
		}
	}
	s.put("a", 1, 0)
	s.put("b", 1, 0)
	expect("a", 0, 1, true)
	expect("a", 1, 0, false) // a commit that the shelf has not heard of
	s.put("a", 2, 1)         // read there
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
	s.put("a", 1, 0) // read before the commit, put after
	expect("a", 1, 0, false)
	s.put("a", 2, 1)
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

// TestShelfBound: a shelf stays within twice its limit and keeps what is used.
func TestShelfBound(t *testing.T) {
	t.Parallel()
	s := &shelf[string, int]{limit: 10}
	for i := range 1000 {
		s.put(fmt.Sprint(i), i, 0)
		if i%3 == 0 {
			s.put("used", -1, 0)
		}
		if _, ok := s.get("used", 0); !ok {
			t.Fatalf("a row in use was dropped after %d others", i)
		}
		if n := len(s.young) + len(s.old); n > 20 {
			t.Fatalf("%d rows on a shelf of 10", n)
		}
	}
	none := &shelf[string, int]{limit: -1}
	none.put("a", 1, 0)
	if _, ok := none.get("a", 0); ok {
		t.Error("a shelf that is turned off keeps rows")
	}
}
