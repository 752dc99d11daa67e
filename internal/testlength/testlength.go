// Package testlength says how long a fault test runs: its short form in every run of
// the tests, its long form in `make torture`, which finds the tests by their names.
package testlength

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

const (
	// Variable is the environment variable that asks for the long form. Where a test
	// repeats its fault, the value is the number of repetitions.
	Variable = "LATCHKEY_TORTURE"
	// Prefix begins the name of every test that has a long form.
	Prefix = "TestTorture"
)

// Rounds returns how often the test t repeats its fault: short, or the number in
// Variable. It fails a test whose name does not begin with Prefix, in the short form
// too, because `make torture` would leave that test out.
func Rounds(t testing.TB, short int) int {
	t.Helper()
	n, err := rounds(t.Name(), os.Getenv(Variable), short)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func rounds(test, value string, short int) (int, error) {
	if !strings.HasPrefix(test, Prefix) {
		return 0, fmt.Errorf("name %s: begin it with %s, so that `make torture` runs its long form", test, Prefix)
	}
	if value == "" {
		return short, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s=%q: use a number of rounds, 1 or more", Variable, value)
	}
	return n, nil
}

// Long reports whether the long form is asked for. It is for the parts that `make
// torture` runs as a whole, where names select nothing: the module torture and e2e/s3.
func Long() bool { return os.Getenv(Variable) != "" }
