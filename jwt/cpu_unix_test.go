//go:build unix

package jwt_test

import (
	"syscall"
	"time"
)

// processorTime is what this process has used so far: unlike the time on the wall it
// does not grow while other programs have the machine. It tells what a test costs
// that is not parallel.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
