// Command bench measures Latchkey beside its peers, in one run and on one
// core where the figure is about one, and prints ratios.
//
//	go run . [-rounds 7] [-only tokens,srp] [-write ../docs/performance.md]
//	go run . -long [-users 1000000] [-write ../docs/performance.md]
//
// Each section is a file: tokens.go, flood.go, srp.go, fetch.go, service.go, identity.go, grant.go with grantpeers.go, timing.go,
// writes.go, loopback.go, process.go with helpers.go. The long form is users.go: it fills a database with a million users, which takes
// minutes. -write replaces the tables between the markers of the named page; each form has its markers.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
)

// section is a part of the run.
type section struct {
	name  string
	title string
	run   func(b *bench) error
}

var longSections = []section{
	{"users", "Few users and many", benchUsers},
}

var sections = []section{
	{"tokens", "Tokens: decode and verify", benchTokens},
	{"flood", "Tokens of unknown keys", benchFlood},
	{"srp", "SRP: one handshake", benchSRP},
	{"fetch", "A cached session", benchFetch},
	{"service", "The service: CPU of one request", benchService},
	{"identity", "The service: CPU of identity pool credentials", benchIdentity},
	{"grant", "The code grant", benchGrant},
	{"timing", "Telling users apart by time", benchTiming},
	{"writes", "Durable writes", benchWrites},
	{"loopback", "The service over loopback", benchLoopback},
	{"process", "The command and the service as processes", benchProcess},
}

// bench is one run: how many rounds, and where the report goes.
type bench struct {
	rounds int
	users  int // of the larger pool
	out    io.Writer
	goals  []goal
}

// goal is a figure that the project set itself.
type goal struct {
	what  string
	limit float64
	got   float64
	least bool // the limit is a lower bound
}

func (g goal) met() bool {
	if g.least {
		return g.got >= g.limit
	}
	return g.got <= g.limit
}

func main() {
	rounds := flag.Int("rounds", 7, "rounds of each measurement")
	only := flag.String("only", "", "sections to run, separated by commas; all by default")
	write := flag.String("write", "", "page whose tables are replaced")
	long := flag.Bool("long", false, "run the long form")
	users := flag.Int("users", 1_000_000, "users of the larger pool of the long form")
	empty := flag.Bool("empty-handler", false, "be the reference server of the loopback section")
	unsigned := flag.Bool("null-signer", false, "be the service of the code grant's section that signs nothing")
	flag.Parse()
	switch {
	case *empty:
		fmt.Fprintln(os.Stderr, "bench:", serveEmpty())
		os.Exit(1)
	case *unsigned:
		fmt.Fprintln(os.Stderr, "bench:", serveUnsigned())
		os.Exit(1)
	}
	var report bytes.Buffer
	b := &bench{rounds: *rounds, users: *users, out: io.MultiWriter(os.Stdout, &report)}
	form, mark := sections, beginMark
	if *long {
		form, mark = longSections, beginLongMark
	}
	if err := b.run(form, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if *write != "" {
		if err := replaceTables(*write, mark, report.String()); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}

func (b *bench) run(form []section, only string) error {
	fmt.Fprintf(b.out, "%s %s/%s, %d cores, medians of %d paired rounds with their range.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), b.rounds)
	for _, s := range form {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		fmt.Fprintf(b.out, "\n### %s\n\n", s.title)
		if err := s.run(b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	b.printGoals()
	return nil
}

// table prints a Markdown table.
func (b *bench) table(head []string, rows [][]string) {
	fmt.Fprintf(b.out, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, row := range rows {
		fmt.Fprintf(b.out, "| %s |\n", strings.Join(row, " | "))
	}
}

// atMost and atLeast note a goal with what was measured.
func (b *bench) atMost(limit, got float64, what string) {
	b.goals = append(b.goals, goal{what, limit, got, false})
}

func (b *bench) atLeast(limit, got float64, what string) {
	b.goals = append(b.goals, goal{what, limit, got, true})
}

func (b *bench) printGoals() {
	fmt.Fprint(b.out, "\n### Goals\n\n")
	var rows [][]string
	for _, g := range b.goals {
		bound, verdict := "≤", "met"
		if g.least {
			bound = "≥"
		}
		if !g.met() {
			verdict = "**not met**"
		}
		rows = append(rows, []string{g.what, fmt.Sprintf("%s %.3g", bound, g.limit), fmt.Sprintf("%.3g", g.got), verdict})
	}
	b.table([]string{"what", "goal", "measured", ""}, rows)
}

// Markers of the generated part of the page.
const (
	beginMark     = "<!-- begin: written by make bench -->"
	beginLongMark = "<!-- begin: written by make bench LONG=1 -->"
	endMark       = "<!-- end -->"
)

// replaceTables puts a report between a marker of a page and the end mark behind it.
func replaceTables(path, begin, report string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no markers for the tables", path)
	}
	text := before + begin + "\n\n" + strings.TrimSpace(report) + "\n\n" + endMark + after
	return os.WriteFile(path, []byte(text), 0o644)
}
