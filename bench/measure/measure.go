// Package measure runs contestants side by side: in every round each of them
// once, one after the other, so that whatever else the machine does hits all
// of them alike. Ratios are formed inside a round and reported as the median
// over the rounds with their range.
//
// Figures are CPU time of the process ([Contestant.Wall] asks for wall time
// instead), garbage collection and helper goroutines included.
package measure

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// Contestant is one thing to measure.
type Contestant struct {
	Name string
	// Prepare, when given, makes ready for n operations; it is not measured.
	Prepare func(n int)
	// Op does the thing n times.
	Op func(n int)
	// Wall measures elapsed time in the place of CPU time.
	Wall bool
}

// Result is what was measured of one contestant: one value a round.
type Result struct {
	Name      string
	PerOp     []time.Duration
	Allocs    float64 // per operation, in the last round
	perOpNano []float64
}

// minRound is how long one contestant runs in one round at least.
const minRound = 120 * time.Millisecond

// Rounds measures contestants over so many rounds.
func Rounds(rounds int, contestants ...Contestant) []Result {
	results := make([]Result, len(contestants))
	counts := make([]int, len(contestants))
	for i, c := range contestants {
		results[i].Name = c.Name
		counts[i] = calibrate(c)
	}
	for range rounds {
		for i, c := range contestants {
			perOp, allocs := once(c, counts[i])
			results[i].perOpNano = append(results[i].perOpNano, perOp)
			results[i].PerOp = append(results[i].PerOp, time.Duration(perOp))
			results[i].Allocs = allocs
		}
	}
	return results
}

// calibrate finds how many operations fill a round.
func calibrate(c Contestant) int {
	c.prepare(1)
	c.Op(1)
	for n := 1; ; n *= 4 {
		c.prepare(n)
		start := time.Now()
		c.Op(n)
		if took := time.Since(start); took > minRound/4 {
			return max(1, int(float64(n)*float64(minRound)/float64(took)))
		}
	}
}

func (c Contestant) prepare(n int) {
	if c.Prepare != nil {
		c.Prepare(n)
	}
}

// once measures n operations: nanoseconds and allocations of each.
func once(c Contestant, n int) (perOp, allocs float64) {
	c.prepare(n)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, wall := CPU(), time.Now()
	c.Op(n)
	took := CPU() - cpu
	if c.Wall {
		took = time.Since(wall)
	}
	runtime.ReadMemStats(&after)
	return float64(took) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)
}

// CPU is the processor time that this process has used, on all cores.
func CPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // the call cannot fail with these arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Ratio is a value with its range over the rounds.
type Ratio struct{ Median, Min, Max float64 }

func (r Ratio) String() string {
	return fmt.Sprintf("%.3g [%.3g..%.3g]", r.Median, r.Min, r.Max)
}

// Over relates a result to a reference, round by round. The reference of a
// round is the sum of the parts' values in that round, each times its factor.
func (r Result) Over(parts ...Part) Ratio {
	values := make([]float64, len(r.perOpNano))
	for i, value := range r.perOpNano {
		reference := 0.0
		for _, part := range parts {
			reference += part.Factor * part.Of.perOpNano[i]
		}
		values[i] = value / reference
	}
	return Spread(values)
}

// Part is a share of a reference.
type Part struct {
	Factor float64
	Of     Result
}

// Times makes a Part.
func (r Result) Times(factor float64) Part { return Part{factor, r} }

// Spread gives median and range.
func Spread(values []float64) Ratio {
	sorted := slices.Sorted(slices.Values(values))
	return Ratio{sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1]}
}

// Median is the middle value of the rounds.
func (r Result) Median() time.Duration { return time.Duration(Spread(r.perOpNano).Median) }

// Range is median and range in a readable unit.
func (r Result) Range() string { return ShowSpread(r.perOpNano) }

// ShowSpread is median and range of nanoseconds in a readable unit.
func ShowSpread(nano []float64) string {
	s := Spread(nano)
	return fmt.Sprintf("%s [%s..%s]", Show(s.Median), Show(s.Min), Show(s.Max))
}

// Show writes nanoseconds with three digits.
func Show(nano float64) string {
	switch {
	case nano < 1e3:
		return fmt.Sprintf("%.3g ns", nano)
	case nano < 1e6:
		return fmt.Sprintf("%.3g µs", nano/1e3)
	case nano < 1e9:
		return fmt.Sprintf("%.3g ms", nano/1e6)
	}
	return fmt.Sprintf("%.3g s", nano/1e9)
}
