// Package torture proves that Latchkey does not lose sessions, by doing to it
// what loses sessions elsewhere: it is killed at every system call and at random
// moments, run in fifty processes whose tokens expire together, put behind a
// network that cuts, stalls and drips, given a full disk, and canceled ten
// thousand times. The service is the built command `latchkey up` or, where a
// test needs to count or delay calls, package latchkeytest, which runs the same
// code.
//
// The package has tests only. `go test` runs the short form, which takes less
// than a minute on two cores; LATCHKEY_TORTURE=1 runs the long one. Each test
// prints its figure on a line that starts with "figure|". The script run does
// the long form and puts the lines into docs/reliability.md.
//
// The folder refresher holds the small program that is killed.
package torture
