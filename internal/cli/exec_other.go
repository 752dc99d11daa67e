//go:build !unix

package cli

import "os"

// forwarded is the signal of Ctrl-C, which the console sends to the command too: this program
// only has to survive it.
var forwarded = []os.Signal{os.Interrupt}

func forwardSignals(_ *os.Process, signals <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case <-signals:
		case <-done:
			return
		}
	}
}

// codeOf is the exit code of a process.
func codeOf(state *os.ProcessState) int { return state.ExitCode() }
