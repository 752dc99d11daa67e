// Package ui is what the command shows and asks on a terminal.
//
// An [Output] is a stream that knows whether it may use color: only on a
// terminal, never with NO_COLOR (https://no-color.org) or TERM=dumb. A
// [Terminal] is where questions are asked: the controlling terminal itself, so
// that redirected streams stay clean.
//
// Text that comes from outside, such as a claim of a token or a message of a
// service, goes through [Clean] before it is shown: a terminal obeys control
// characters whoever wrote them.
package ui

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// Output is a stream for people or programs. It remembers the first error of
// writing, which [Output.Failed] returns.
type Output struct {
	w        io.Writer
	terminal bool
	color    bool
	failed   error
}

// NewOutput wraps w and finds out what it is.
func NewOutput(w io.Writer) *Output {
	o := &Output{w: w}
	if file, ok := w.(*os.File); ok {
		o.terminal = term.IsTerminal(int(file.Fd()))
	}
	o.color = o.terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return o
}

// Terminal reports whether a person is likely to read this.
func (o *Output) Terminal() bool { return o.terminal }

// Failed returns what kept an earlier write from succeeding, such as a full
// disk or a reader that has gone away.
func (o *Output) Failed() error { return o.failed }

// Write writes to the stream.
func (o *Output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.failed == nil {
		o.failed = err
	}
	return n, err
}

// Print writes one line.
func (o *Output) Print(text string) { _, _ = io.WriteString(o, text+"\n") }

// Printf writes one line as fmt.Sprintf forms it.
func (o *Output) Printf(format string, args ...any) { o.Print(fmt.Sprintf(format, args...)) }

// Style is a way to set text apart.
type Style string

// The styles, by their SGR parameters (ECMA-48 section 8.3.117). Colors are
// of the terminal's own sixteen, so that they fit its background.
const (
	Bold   Style = "1"
	Faint  Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Paint returns text in a style, or as it is where color is not wanted.
func (o *Output) Paint(style Style, text string) string {
	if !o.color || style == "" || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// Clean makes text from outside safe to show on one line: characters that are
// not printed become escapes such as \x1b or \u202e. Invalid UTF-8 becomes
// U+FFFD.
func Clean(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}
