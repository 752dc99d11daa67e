// Package atstart gives the shortcut's answers before the program has started. Only
// the command imports it, for that effect.
//
// Go initialises packages in the order of their import paths, each as soon as those
// it imports are ready (The Go Programming Language Specification, "Program
// initialization"). This package needs little and its path comes early, so that it
// comes before SQLite, net/http and cobra, whose initialisation is most of what a
// short run of the program does. Should that order change, the answers are the same
// and come later. docs/decisions/0010 has the figures.
package atstart

import (
	"os"
	"time"

	"github.com/latchkey-auth/latchkey/internal/shortcut"
)

func init() {
	answer, ok := shortcut.Answer(os.Args[min(1, len(os.Args)):], time.Now())
	if !ok {
		return
	}
	n, err := os.Stdout.Write(answer)
	switch {
	case err == nil:
		os.Exit(0)
	case n > 0: // else the command tries again, and says what is wrong
		_, _ = os.Stderr.WriteString("latchkey: standard output cannot be written: " + err.Error() + "\n")
		os.Exit(1)
	}
}
