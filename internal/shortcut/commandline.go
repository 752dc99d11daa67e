package shortcut

import "strings"

// wanted is what a command line asks for.
type wanted int

const (
	wantAccess wanted = iota
	wantID
	wantCredentials
)

// commandLine is what a command line says.
type commandLine struct {
	wanted       wanted
	named        bool // the token that is wanted was named
	config, home string
}

// parse reads the two commands, and those of their arguments that it knows the
// meaning of, in the forms of the command's own.
func parse(args []string) (line commandLine, ok bool) {
	if len(args) == 0 || args[0] != "credentials" && args[0] != "token" {
		return line, false
	}
	if args[0] == "credentials" {
		line.wanted = wantCredentials
	}
	for rest := args[1:]; len(rest) > 0; {
		n := line.take(rest)
		if n == 0 {
			return line, false
		}
		rest = rest[n:]
	}
	return line, true
}

// take reads the next argument, with its value, and returns how many that were; 0
// for one that is not known here.
func (line *commandLine) take(args []string) (n int) {
	ofCredentials := line.wanted == wantCredentials
	switch word := args[0]; {
	case word == "--guest" && ofCredentials:
		return 1 // is for when nobody is signed in
	case (word == "access" || word == "id") && !ofCredentials && !line.named:
		if line.named = true; word == "id" {
			line.wanted = wantID
		}
		return 1
	}
	name, value, joined := strings.Cut(args[0], "=")
	n = 1
	if !joined {
		if len(args) == 1 {
			return 0
		}
		value, n = args[1], 2
	}
	switch {
	case name == "--config":
		line.config = value
	case name == "--home" && ofCredentials:
		line.home = value
	case name == "--format" && value == "process" && ofCredentials:
	default:
		return 0
	}
	return n
}
