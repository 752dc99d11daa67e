//go:build !unix

package server

import "math"

// descriptorLimit is how many files and connections the process may have open;
// here there is no such limit.
func descriptorLimit() int { return math.MaxInt32 }
