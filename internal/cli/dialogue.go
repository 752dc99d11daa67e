package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// dialogue asks what a sign-in needs. The terminal is opened by the first
// question.
type dialogue struct {
	app      *app
	terminal *ui.Terminal
	// challenge is what the service asks for; empty before its first answer.
	challenge string
	// hint is what to do without a terminal.
	hint string
}

func (d *dialogue) open() (*ui.Terminal, error) {
	if d.terminal != nil {
		return d.terminal, nil
	}
	terminal, err := ui.OpenTerminal()
	if err != nil {
		if d.challenge != "" {
			err = fmt.Errorf("the service asks for %s, and %w", d.challenge, err)
		}
		return nil, &failure{code: exitFailed, err: err, hints: []string{d.hint}}
	}
	d.terminal = terminal
	return terminal, nil
}

func (d *dialogue) close() {
	if d.terminal != nil {
		_ = d.terminal.Close() // nothing was kept back
	}
}

// tries is how often a question is asked before the sign-in fails.
const tries = 3

var errNoAnswer = errors.New("nothing was entered")

// ask asks until something is entered.
func (d *dialogue) ask(ctx context.Context, question string) (string, error) {
	return d.insist(func(t *ui.Terminal) (string, error) {
		answer, err := t.Ask(ctx, question)
		return strings.TrimSpace(answer), err
	})
}

// askHidden is ask without showing what is typed.
func (d *dialogue) askHidden(ctx context.Context, question string) (string, error) {
	return d.insist(func(t *ui.Terminal) (string, error) { return t.AskHidden(ctx, question) })
}

func (d *dialogue) insist(ask func(*ui.Terminal) (string, error)) (string, error) {
	terminal, err := d.open()
	if err != nil {
		return "", err
	}
	for range tries {
		answer, err := ask(terminal)
		if err != nil || answer != "" {
			return answer, err
		}
	}
	return "", errNoAnswer
}

// answer answers one challenge of the service.
func (d *dialogue) answer(ctx context.Context, step *latchkey.Step) (*latchkey.Step, error) {
	c := step.Challenge
	d.challenge = challengeName(c)
	switch {
	case c.Name == "NEW_PASSWORD_REQUIRED":
		return d.renew(ctx, step)
	case len(c.Choices) > 0:
		return d.choose(ctx, step)
	case c.Name == "MFA_SETUP":
		return nil, &failure{err: errors.New("the user pool asks to set up multi-factor authentication, which this command cannot do"),
			hints: []string{"set it up with the application that you sign in to, then sign in here"}}
	}
	return d.enterCode(ctx, step)
}

// renew asks for each attribute that the pool lacks and for a new password, twice
// in case of a slip and again if the pool's policy refuses it.
func (d *dialogue) renew(ctx context.Context, step *latchkey.Step) (*latchkey.Step, error) {
	terminal, err := d.open()
	if err != nil {
		return nil, err
	}
	if err := terminal.Say("The password was a temporary one. Choose a new one."); err != nil {
		return nil, err
	}
	attributes := make(map[string]string)
	for _, name := range step.Challenge.RequiredAttributes {
		if attributes[name], err = d.ask(ctx, "Your "+strings.ReplaceAll(name, "_", " ")+":"); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		password, err := d.newPassword(ctx, terminal)
		if err != nil {
			return nil, err
		}
		next, err := step.Respond(ctx, latchkey.AnswerNewPassword(password, attributes))
		why := d.refusedPassword(err)
		if why == "" {
			return next, err
		}
		if try == tries {
			return nil, &failure{err: errors.New("the service refuses this password: " + why), hints: []string{"choose another one, and sign in again"}}
		}
		if err := terminal.Say("The service refuses this password: " + why); err != nil {
			return nil, err
		}
	}
}

// refusedPassword says why the service refuses a new password; empty if that is not the
// error. A password that breaks the API's own limits is an invalid parameter.
func (d *dialogue) refusedPassword(err error) string {
	if errors.Is(err, latchkey.ErrInvalidPassword) {
		return d.app.reason(err)
	}
	e, ok := errors.AsType[*latchkey.Error](err)
	if ok && errors.Is(err, latchkey.ErrInvalidParameter) && strings.Contains(strings.ToLower(e.Message), "password") {
		return "it must have 6 to 256 characters, and no blank at its beginning or end"
	}
	return ""
}

// challengeName is what a challenge asks for, in words.
func challengeName(c *latchkey.Challenge) string {
	switch {
	case c.Name == "NEW_PASSWORD_REQUIRED":
		return "a new password"
	case len(c.Choices) > 0:
		return "a choice of " + strings.Join(c.Choices, ", ")
	case c.Name == "SOFTWARE_TOKEN_MFA":
		return "a code of an authenticator app"
	case c.Destination != "":
		return "a code that was sent to " + c.Destination
	}
	return "an answer to the challenge " + c.Name
}

func (d *dialogue) newPassword(ctx context.Context, terminal *ui.Terminal) (string, error) {
	for range tries {
		first, err := d.askHidden(ctx, "New password:")
		if err != nil {
			return "", err
		}
		second, err := terminal.AskHidden(ctx, "New password again:")
		if err != nil {
			return "", err
		}
		if latchkey.NewSecret(first).Equal(latchkey.NewSecret(second)) {
			return first, nil
		}
		if err := terminal.Say("The two differ."); err != nil {
			return "", err
		}
	}
	return "", errors.New("the new password was not typed the same way twice")
}

// choose lets the user pick one of the service's offers, by number or by name.
func (d *dialogue) choose(ctx context.Context, step *latchkey.Step) (*latchkey.Step, error) {
	terminal, err := d.open()
	if err != nil {
		return nil, err
	}
	choices := step.Challenge.Choices
	for i, choice := range choices {
		if err := terminal.Say(fmt.Sprintf("  %d  %s", i+1, choice)); err != nil {
			return nil, err
		}
	}
	for range tries {
		answer, err := d.ask(ctx, "Which one?")
		if err != nil {
			return nil, err
		}
		for i, choice := range choices {
			if answer == fmt.Sprint(i+1) || strings.EqualFold(answer, choice) {
				return step.Respond(ctx, latchkey.AnswerChoice(choice))
			}
		}
	}
	return nil, errors.New("none of the offered ways was chosen")
}

// enterCode asks for a code, again if it was wrong.
func (d *dialogue) enterCode(ctx context.Context, step *latchkey.Step) (*latchkey.Step, error) {
	for try := 1; ; try++ {
		code, err := d.ask(ctx, codeQuestion(step.Challenge))
		if err != nil {
			return nil, err
		}
		next, err := step.Respond(ctx, latchkey.AnswerCode(code))
		if !errors.Is(err, latchkey.ErrCodeMismatch) || try == tries {
			return next, err
		}
		if err := d.terminal.Say("That code is wrong."); err != nil {
			return nil, err
		}
	}
}

func codeQuestion(c *latchkey.Challenge) string {
	switch {
	case c.Name == "SOFTWARE_TOKEN_MFA":
		return "Code of your authenticator app:"
	case c.Name == "CUSTOM_CHALLENGE":
		return "Answer to the service's challenge:"
	case c.Destination != "":
		return "Code sent to " + c.Destination + ":"
	}
	return "Code:"
}
