//go:build !unix

package jwt_test

import "time"

var began = time.Now()

// processorTime is the time on the wall, where package syscall knows no better.
func processorTime() time.Duration { return time.Since(began) }
