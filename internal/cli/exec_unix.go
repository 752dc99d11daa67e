//go:build unix

package cli

import (
	"os"
	"syscall"

	"golang.org/x/term"
)

// forwarded are the signals that a command gets from this program. The others that end or
// stop a program reach the command by the terminal, or cannot be caught.
var forwarded = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH}

// forwardSignals passes signals on to a process until done is closed. A terminal sends SIGINT,
// SIGQUIT and SIGWINCH to the process itself, which must not get them twice.
func forwardSignals(to *os.Process, signals <-chan os.Signal, done <-chan struct{}) {
	terminal := term.IsTerminal(int(os.Stdin.Fd()))
	for {
		select {
		case s := <-signals:
			byTerminal := s == syscall.SIGINT || s == syscall.SIGQUIT || s == syscall.SIGWINCH
			if !terminal || !byTerminal {
				_ = to.Signal(s) // it fails if the process has just ended
			}
		case <-done:
			return
		}
	}
}

// codeOf is the exit code of a process: of one that a signal ended 128 and its number, as in
// shells.
func codeOf(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal())
	}
	return state.ExitCode()
}
