//go:build unix

package ui

import (
	"os"

	"golang.org/x/sys/unix"
)

// silence turns a terminal's echo off until restore is called. Lines and
// signals go on as before: Ctrl-C interrupts.
func silence(tty *os.File) (restore func(), err error) {
	fd := int(tty.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	silent := *before
	silent.Lflag &^= unix.ECHO | unix.ECHONL
	silent.Lflag |= unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(fd, setTermios, &silent); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, setTermios, before) }, nil
}
