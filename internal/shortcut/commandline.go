package shortcut

// commandLine is what a command line says.
type commandLine struct {
	wanted       string
	named        bool // the token that is wanted was named
	config, home string
}

// parse reads the two commands, and those of their arguments that it knows the
// meaning of, in the forms of the command's own.
func parse(args []string) (line commandLine, ok bool) {
	if len(args) == 0 {
		return line, false
	}
	switch args[0] {
	case "credentials":
		line.wanted = Credentials
	case "token":
		line.wanted = Access
	default:
		return line, false
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
	ofCredentials := line.wanted == Credentials
	switch word := args[0]; {
	case word == "--guest" && ofCredentials:
		return 1 // is for when nobody is signed in
	case (word == Access || word == ID) && !ofCredentials && !line.named:
		line.wanted, line.named = word, true
		return 1
	}
	name, value, n := flag(args)
	switch {
	case n > 0 && name == "--config":
		line.config = value
	case n > 0 && name == "--home" && ofCredentials:
		line.home = value
	case n > 0 && name == "--format" && value == "process" && ofCredentials:
	default:
		return 0
	}
	return n
}

// flag takes a flag's name and value apart, and returns how many arguments they are;
// 0 without a value.
func flag(args []string) (name, value string, n int) {
	for i, b := range []byte(args[0]) {
		if b == '=' {
			return args[0][:i], args[0][i+1:], 1
		}
	}
	if len(args) == 1 {
		return args[0], "", 0
	}
	return args[0], args[1], 2
}
