package measure

import (
	"testing"
	"time"
)

func TestOver(t *testing.T) {
	slow := Result{Name: "slow", perOpNano: []float64{20, 40, 90}}
	fast := Result{Name: "fast", perOpNano: []float64{10, 10, 30}}
	if got := slow.Over(fast.Times(1)); got != (Ratio{3, 2, 4}) {
		t.Errorf("slow over fast: %v", got)
	}
	if got := slow.Over(fast.Times(1), slow.Times(1)); got.Median != 0.75 {
		t.Errorf("slow over both: %v", got)
	}
	if got := slow.Median(); got != 40*time.Nanosecond {
		t.Errorf("median %v", got)
	}
}

// TestRoundsCount: every contestant runs in every round, and its allocations are counted.
func TestRoundsCount(t *testing.T) {
	runs := 0
	var sink []byte
	results := Rounds(3, Contestant{Name: "make", Op: func(n int) {
		runs++
		for range n {
			sink = make([]byte, 64<<10)
		}
	}})
	_ = sink
	if len(results[0].PerOp) != 3 || runs < 4 {
		t.Errorf("%d rounds in %d runs", len(results[0].PerOp), runs)
	}
	if results[0].Allocs < 0.9 {
		t.Errorf("%v allocations each", results[0].Allocs)
	}
}

func TestSpread(t *testing.T) {
	if got := Spread([]float64{3, 1, 2}); got != (Ratio{2, 1, 3}) {
		t.Errorf("Spread: %v", got)
	}
	for nano, want := range map[float64]string{12.34: "12.3 ns", 1234: "1.23 µs", 2e6: "2 ms", 3e9: "3 s"} {
		if got := Show(nano); got != want {
			t.Errorf("Show(%v) = %s", nano, got)
		}
	}
}
