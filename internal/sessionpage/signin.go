package sessionpage

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey"
)

var alreadyIn = &message{Kind: kindNotice, Text: "This browser is signed in already. Sign out first to be somebody else."}

// signIn takes user name and password.
func (p *Page) signIn(ctx context.Context, v *visitor, r *http.Request) outcome {
	username, password := trimmed(r, "username"), r.PostForm.Get("password")
	if username == "" || password == "" {
		m := &message{Kind: kindAlert, Text: "Type the password.", Field: "password", Username: username}
		if username == "" {
			m.Text, m.Field = "Type the user name.", "username"
		}
		return tell(m)
	}
	return v.begin(ctx, username, password)
}

// signInDemo signs the demo user in.
func (p *Page) signInDemo(ctx context.Context, v *visitor, _ *http.Request) outcome {
	if p.cfg.Username == "" {
		return tell(&message{Kind: kindAlert, Text: "There is no demo user here. Sign in with a password."})
	}
	return v.begin(ctx, p.cfg.Username, p.cfg.Password.Reveal())
}

func (v *visitor) begin(ctx context.Context, username, password string) outcome {
	if v.in(ctx) {
		return tell(alreadyIn)
	}
	step, err := v.client.SignIn(ctx, latchkey.Password(username, password))
	if err != nil {
		m := refused(err)
		m.Username = username
		return tell(m)
	}
	return v.goOn(step)
}

// goOn keeps a step that asks for more, or ends the sign-in.
func (v *visitor) goOn(step *latchkey.Step) outcome {
	done := step.Done()
	v.change(func() {
		v.step, v.flow = step, nil
		if done {
			v.step, v.guest = nil, false
		}
	})
	return outcome{signedIn: done}
}

// startOver forgets a sign-in that is under way.
func (p *Page) startOver(_ context.Context, v *visitor, _ *http.Request) outcome {
	v.change(func() { v.step, v.flow = nil, nil })
	return outcome{}
}

// answer answers the challenge of the sign-in that is under way.
func (p *Page) answer(ctx context.Context, v *visitor, r *http.Request) outcome {
	v.mu.Lock()
	step := v.step
	v.mu.Unlock()
	if step == nil {
		return tell(&message{Kind: kindAlert, Text: "There is no sign-in under way any more. Start again."})
	}
	reply, problem := answerOf(step.Challenge, r)
	if problem != nil {
		return tell(problem)
	}
	next, err := step.Respond(ctx, reply)
	switch {
	case err == nil:
		return v.goOn(next)
	case errors.Is(err, latchkey.ErrCodeMismatch), errors.Is(err, latchkey.ErrInvalidPassword),
		errors.Is(err, latchkey.ErrInvalidParameter), errors.Is(err, latchkey.ErrNetwork):
		m := refused(err) // the same question again
		m.Typed = typedAttributes(step.Challenge, r)
		return tell(m)
	}
	v.change(func() { v.step = nil })
	return tell(refused(err))
}

// typedAttributes are the attributes of an answer, for the form to keep.
func typedAttributes(c *latchkey.Challenge, r *http.Request) map[string]string {
	typed := make(map[string]string)
	for _, name := range c.RequiredAttributes {
		typed["attribute."+name] = trimmed(r, "attribute."+name)
	}
	return typed
}

// answerOf reads the answer to a challenge out of the form, or says which field of it is
// not filled in.
func answerOf(c *latchkey.Challenge, r *http.Request) (reply latchkey.Answer, problem *message) {
	missing := func(field, text string) (latchkey.Answer, *message) {
		return reply, &message{Kind: kindAlert, Text: text, Field: field}
	}
	switch question := questionOf(c); {
	case question.Dead:
		return missing("", question.Lead)
	case c.Name == "NEW_PASSWORD_REQUIRED":
		password := r.PostForm.Get("new_password")
		if password == "" {
			return missing("new_password", "Choose a new password.")
		}
		attributes := make(map[string]string)
		for _, name := range c.RequiredAttributes {
			if attributes[name] = trimmed(r, "attribute."+name); attributes[name] == "" {
				return missing("attribute."+name, "Fill in this field.")
			}
		}
		return latchkey.AnswerNewPassword(password, attributes), nil
	case len(c.Choices) > 0:
		if choice := trimmed(r, "choice"); slices.Contains(c.Choices, choice) {
			return latchkey.AnswerChoice(choice), nil
		}
		return missing("", "Choose one of the ways that are offered.")
	}
	if code := trimmed(r, "code"); code != "" {
		return latchkey.AnswerCode(code), nil
	}
	return missing("code", "Type the code.")
}

// question is a challenge as a form.
type question struct {
	Title, Lead string
	Fields      []field
	Choices     []string
	Dead        bool // this page cannot answer it
}

type field struct {
	Name, Label, Type, Autocomplete, Mode, Class string
	Rules                                        []string
}

// addRules puts the pool's rules below the field of a new password.
func (q *question) addRules(rules []string) {
	for i := range q.Fields {
		if q.Fields[i].Name == "new_password" {
			q.Fields[i].Rules = rules
		}
	}
}

func questionOf(c *latchkey.Challenge) *question {
	switch {
	case c.Name == "NEW_PASSWORD_REQUIRED":
		q := &question{Title: "Choose a new password", Lead: "The one you typed was good for the first sign-in only.", Fields: []field{
			{Name: "new_password", Label: "New password", Type: "password", Autocomplete: "new-password"},
		}}
		for _, name := range c.RequiredAttributes {
			q.Fields = append(q.Fields, field{Name: "attribute." + name, Label: "Your " + strings.ReplaceAll(name, "_", " "), Type: "text", Autocomplete: "on"})
		}
		return q
	case len(c.Choices) > 0:
		return &question{Title: "One more step", Lead: "Choose how to prove that it is you.", Choices: c.Choices}
	case c.Name == "MFA_SETUP":
		return &question{Title: "This page cannot go on", Lead: "The user pool asks to set up a second factor. Do that with the application that you sign in to, then sign in here.", Dead: true}
	}
	return &question{Title: "One more step", Lead: codeLead(c), Fields: []field{
		{Name: "code", Label: "Code", Type: "text", Autocomplete: "one-time-code", Mode: "numeric", Class: "code"},
	}}
}

func codeLead(c *latchkey.Challenge) string {
	switch {
	case c.Name == "SOFTWARE_TOKEN_MFA":
		return "Type the code that your authenticator app shows."
	case c.Name == "CUSTOM_CHALLENGE":
		return "Type the answer to the service's challenge."
	case c.Destination != "":
		return "Type the code that was sent to " + c.Destination + "."
	}
	return "Type the code."
}

// chooseTokens chooses the client for the next sign-in: the usual one, or one whose tokens
// are short-lived.
func (p *Page) chooseTokens(ctx context.Context, v *visitor, r *http.Request) outcome {
	short := trimmed(r, "tokens") == "short"
	switch {
	case v.in(ctx):
		return tell(alreadyIn)
	case short && p.cfg.ShortClientID == "":
		return tell(&message{Kind: kindAlert, Text: "There are no short-lived tokens here."})
	case short == p.short(v):
		return outcome{}
	}
	return outcome{another: &short}
}

// short reports whether a visitor's tokens are short-lived.
func (p *Page) short(v *visitor) bool { return v.clientID == p.cfg.ShortClientID }
