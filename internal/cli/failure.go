package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/trust"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/store"
)

// The exit codes; see the package comment.
const (
	exitDone      = 0
	exitFailed    = 1
	exitUsage     = 2
	exitSignedOut = 3
	exitNetwork   = 4

	exitInterrupted = 130 // as shells report a program that SIGINT ended
)

// failure is an error with what the program makes of it.
type failure struct {
	code  int // 0 lets the kind of err decide
	err   error
	hints []string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// report shows an error and returns the exit code.
func (a *app) report(err error) int {
	if err == nil && a.out.Failed() != nil {
		err = &failure{code: exitFailed, err: errors.New("standard output cannot be written: " + a.out.Failed().Error())}
	}
	if err == nil {
		return exitDone
	}
	if child, ok := errors.AsType[childExit](err); ok {
		return int(child)
	}
	text, hints := a.explain(err)
	a.err.Print(a.err.Paint(ui.Red, "latchkey:") + " " + ui.Clean(text))
	for _, hint := range hints {
		a.err.Print(a.err.Paint(ui.Cyan, "hint:") + " " + ui.Clean(hint))
	}
	return exitCode(err)
}

// exitCode is the code of an error: its own, or that of its kind.
func exitCode(err error) int {
	if errors.Is(err, context.Canceled) { // only a signal cancels a run
		return exitInterrupted
	}
	if f, ok := errors.AsType[*failure](err); ok && f.code != 0 {
		return f.code
	}
	if _, ok := errors.AsType[*trust.FileError](err); ok {
		return exitUsage
	}
	for _, kind := range []struct {
		is   error
		code int
	}{
		{latchkey.ErrSignedOut, exitSignedOut}, {latchkey.ErrSessionExpired, exitSignedOut},
		{latchkey.ErrNeedsSignIn, exitSignedOut},
		{latchkey.ErrNetwork, exitNetwork}, {jwt.ErrKeysUnavailable, exitNetwork},
	} {
		if errors.Is(err, kind.is) {
			return kind.code
		}
	}
	return exitFailed
}

// explain says what happened in one line, and what to type about it.
func (c *commandLine) explain(err error) (text string, hints []string) {
	if f, ok := errors.AsType[*failure](err); ok {
		hints = append(hints, f.hints...)
		text, more := c.explain(f.err)
		return text, append(hints, more...)
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted", nil
	}
	if damage, ok := errors.AsType[*store.DamagedError](err); ok {
		return c.damaged(damage)
	}
	if file, ok := errors.AsType[*trust.FileError](err); ok {
		return file.Error(), []string{"correct latchkey.ca_file in the configuration"}
	}
	e, ok := errors.AsType[*latchkey.Error](err)
	if !ok {
		return strings.ReplaceAll(err.Error(), "\n", "; "), nil
	}
	if c.accountFlag != "" && errors.Is(e, latchkey.ErrSignedOut) {
		return "the account " + quote(c.accountFlag) + " is not signed in", c.advise(e)
	}
	return describe(e), c.advise(e)
}

// reason is an error in one line; empty for none.
func (c *commandLine) reason(err error) string {
	if err == nil {
		return ""
	}
	text, _ := c.explain(err)
	return text
}

// damaged tells of a session file that cannot be read.
func (c *commandLine) damaged(damage *store.DamagedError) (text string, hints []string) {
	text = "the stored session " + damage.Path + " is damaged: " + damage.Err.Error()
	if damage.Aside != "" {
		text += "; it was set aside as " + damage.Aside
	}
	return text, []string{"sign in again with " + c.typed("login")}
}

// describe puts an error of the client into a line for people: what the service
// said where it said something, else the kind.
func describe(e *latchkey.Error) string {
	var parts []string
	for _, part := range []string{kindText(e), e.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if cause, ok := errors.AsType[*latchkey.Error](e.Err); e.Err != nil && !ok {
		parts = append(parts, e.Err.Error())
	} else if ok && e.Message == "" {
		parts = append(parts, describe(cause))
	}
	return strings.ReplaceAll(strings.Join(parts, ": "), "\n", "; ")
}

// kindText begins the line; it is empty where the message says it all.
func kindText(e *latchkey.Error) string {
	switch {
	case errors.Is(e.Kind, latchkey.ErrSignedOut):
		return "you are signed out"
	case errors.Is(e.Kind, latchkey.ErrSessionExpired):
		return "your session has ended"
	case errors.Is(e.Kind, latchkey.ErrNetwork):
		return "the service cannot be reached"
	case errors.Is(e.Kind, latchkey.ErrConfig) && e.Message != "", e.Kind == nil:
		return ""
	case errors.Is(e.Kind, latchkey.ErrConfig) && e.Message == "" && e.Hint != "":
		return e.Kind.Error() + ": " + memberNames(e.Hint)
	}
	return e.Kind.Error()
}

// advise says what to do about an error of the client.
func (c *commandLine) advise(e *latchkey.Error) []string {
	login := "sign in with " + c.typed("login")
	if c.accountFlag != "" {
		login = c.typed("accounts") + " lists the accounts; sign in with " + c.typed("login "+shellQuote(c.accountFlag))
	}
	switch {
	case errors.Is(e, latchkey.ErrSignedOut):
		return append(adviseElsewhere(c.homeFlag, e), login)
	case errors.Is(e, latchkey.ErrSessionExpired), errors.Is(e, latchkey.ErrNeedsSignIn):
		return []string{login}
	case errors.Is(e, latchkey.ErrNoIdentityPool):
		return []string{"add identity_pool_id to the configuration's auth"}
	case errors.Is(e, latchkey.ErrGuestsDisabled):
		return []string{login + ", or allow guests in the identity pool and in the configuration"}
	case errors.Is(e, latchkey.ErrNetwork):
		return []string{c.adviseNetwork(e, e.Hint) + "; nothing was signed out"}
	case e.Hint == "", errors.Is(e, latchkey.ErrConfig) && e.Message == "": // describe has said it
		return nil
	}
	return []string{memberNames(e.Hint)}
}
