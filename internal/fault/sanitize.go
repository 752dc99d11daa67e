package fault

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// maxText bounds the service's message in a fault, in bytes.
const maxText = 400

// echoedValues are how Cognito repeats the value of a member that it refuses, which may
// be a password or a token. The first one knows where a value ends that itself contains
// "' at '".
var echoedValues = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?s)Value '.*?' at '([\w.]+' failed to satisfy constraint)`),
		regexp.MustCompile(`(?s)Value '.*?' at '()`),
	}
})

// Sanitize makes a text of the service fit for an error: on one line, bounded, and
// without the values that it repeats and what a terminal would obey.
func Sanitize(message string) string {
	message = strings.Map(printable, message)
	for _, value := range echoedValues() {
		message = value.ReplaceAllString(message, "Value '[redacted]' at '$1")
	}
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > maxText {
		message = strings.ToValidUTF8(message[:maxText], "") + "…"
	}
	return message
}

// printable drops control and formatting characters, such as those of terminals' escape
// sequences and of bidirectional text.
func printable(r rune) rune {
	if unicode.IsPrint(r) || unicode.IsSpace(r) {
		return r
	}
	return -1
}
