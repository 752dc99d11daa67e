package awsprofile

import (
	"fmt"
	"runtime"
	"strings"
)

// CheckName says what is wrong with the name of a profile; empty if nothing is. The AWS tools
// disagree about names with blanks, quotes, backslashes, brackets and comment characters.
func CheckName(name string) string {
	switch {
	case name == "":
		return "a profile needs a name"
	case len(name) > 200:
		return "a profile's name has 200 bytes at most"
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xa0 || strings.ContainsRune(`[]#;"'\`, r) }):
		return fmt.Sprintf("a profile cannot be called %q: the name must have no blanks, quotes, backslashes, brackets, # and ;", name)
	}
	return ""
}

// CommandLine returns the line of credential_process that runs args. The AWS CLI and botocore
// split the line as a shell does and run it without one; the Go SDK gives it to sh or cmd.exe
// after removing quotes that both begin and end the line. Words in double quotes mean the same
// to all of them if the last word has no quotes and no word has a character that is special
// within quotes. It fails for such a word, and for a last word that needs quotes.
func CommandLine(args ...string) (string, error) {
	var line strings.Builder
	for i, arg := range args {
		quoted, err := quoteForProcess(arg)
		if err != nil {
			return "", err
		}
		if i == len(args)-1 && quoted != arg {
			return "", fmt.Errorf("the last word %q needs quotes", arg)
		}
		if i > 0 {
			line.WriteByte(' ')
		}
		line.WriteString(quoted)
	}
	return line.String(), nil
}

// quoteForProcess quotes a word that has special characters. In an INI file a "#" or ";" after
// a space begins a comment.
func quoteForProcess(arg string) (string, error) {
	special := "\"'$`\r\n\x00"
	if runtime.GOOS == "windows" {
		special += "%" // cmd.exe expands variables within quotes too
	} else {
		special += "\\"
	}
	if strings.ContainsAny(arg, special) || strings.Contains(arg, " #") || strings.Contains(arg, " ;") {
		return "", fmt.Errorf("%q has characters that credential_process cannot have", arg)
	}
	if arg == "" || strings.ContainsAny(arg, " \t&()*;<>?[]{}|~#!%^=,") {
		return `"` + arg + `"`, nil
	}
	return arg, nil
}
