package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/plaintext"
)

// ErrNoTerminal means that there is nobody to ask.
var ErrNoTerminal = errors.New("there is no terminal to ask on")

// Terminal asks questions. Close it in the end.
type Terminal struct {
	in, out *os.File
}

// OpenTerminal opens the controlling terminal of the process, or fails with
// [ErrNoTerminal]. Standard streams are not used, wherever they lead.
func OpenTerminal() (*Terminal, error) {
	in, out, err := openConsole()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	return &Terminal{in: in, out: out}, nil
}

// Close lets go of the terminal.
func (t *Terminal) Close() error {
	err := t.in.Close()
	if t.out != t.in {
		err = errors.Join(err, t.out.Close())
	}
	return err
}

// Say shows a line.
func (t *Terminal) Say(text string) error {
	_, err := fmt.Fprintln(t.out, Clean(text))
	return err
}

// Ask shows a question and reads one line.
func (t *Terminal) Ask(ctx context.Context, question string) (string, error) {
	return t.ask(ctx, question)
}

// AskHidden is Ask without showing what is typed. The echo is off before the
// question appears, so that a fast typist does not show the beginning.
func (t *Terminal) AskHidden(ctx context.Context, question string) (string, error) {
	restore, err := silence(t.in)
	if err != nil {
		return "", fmt.Errorf("the terminal's echo cannot be turned off: %w", err)
	}
	defer func() {
		restore()
		_, _ = io.WriteString(t.out, "\n") // the one that was typed did not show
	}()
	return t.ask(ctx, question)
}

// ask reads in a goroutine: a read of a terminal knows no context, and the
// signal that ends ctx must not leave the terminal without echo.
func (t *Terminal) ask(ctx context.Context, question string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if _, err := io.WriteString(t.out, Clean(question)+" "); err != nil {
		return "", err
	}
	type outcome struct {
		text string
		err  error
	}
	answered := make(chan outcome, 1)
	go func() {
		text, err := ReadLine(t.in)
		answered <- outcome{text, err}
	}()
	select {
	case o := <-answered:
		if errors.Is(o.err, io.EOF) {
			o.err = errors.New("the question was left unanswered")
		}
		return o.text, o.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// maxLine bounds an answer, in bytes; terminals themselves take about as much.
const maxLine = 4096

// ReadLine reads up to and without the first line feed, or the end of r. It takes no byte
// that follows, removes a byte order mark, and refuses UTF-16, NUL and lines of more than 4096
// bytes.
func ReadLine(r io.Reader) (string, error) {
	var line strings.Builder
	var one [1]byte
	for {
		n, err := r.Read(one[:])
		switch {
		case n == 1 && one[0] == '\n', errors.Is(err, io.EOF) && n == 0 && line.Len() > 0:
			text, _, err := plaintext.Check([]byte(line.String()))
			if err != nil {
				return "", fmt.Errorf("the line cannot be read: %w", err)
			}
			return strings.TrimSuffix(text, "\r"), nil
		case n == 0 && err != nil:
			return "", err
		case line.Len() == maxLine:
			return "", fmt.Errorf("the line has more than %d bytes", maxLine)
		case n == 1:
			line.WriteByte(one[0])
		}
	}
}
