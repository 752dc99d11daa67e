package fault

import (
	"regexp"
	"strings"
	"sync"
)

// maxText bounds the service's message in a fault, in bytes.
const maxText = 400

// echoedValue is how Cognito repeats the value of a member that it refuses, which may
// be a password or a token.
var echoedValue = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s)Value '.*?' at '`) })

// Sanitize makes a text of the service fit for an error: on one line, bounded, and
// without the values that it repeats.
func Sanitize(message string) string {
	message = echoedValue().ReplaceAllLiteralString(message, "Value '[redacted]' at '")
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > maxText {
		message = strings.ToValidUTF8(message[:maxText], "") + "…"
	}
	return message
}
