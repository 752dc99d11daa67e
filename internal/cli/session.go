package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/jwt"
)

// facet is one part of the session in the output of session --json: a value, or
// why there is none. Tokens and keys themselves are never among the values.
type facet struct {
	Value       string     `json:"value,omitempty"`
	ExpiresAt   *time.Time `json:"expires_at,omitempty"`
	SecondsLeft *int64     `json:"seconds_left,omitempty"`
	Error       string     `json:"error,omitempty"`
	Code        string     `json:"code,omitempty"` // Cognito's exception
	name        string
	quiet       bool // its absence is nothing to worry about
}

// overview is the output of session --json.
type overview struct {
	SignedIn    bool   `json:"signed_in"`
	Username    string `json:"username,omitempty"`
	UserID      facet  `json:"user_id"`
	AccessToken facet  `json:"access_token"`
	IDToken     facet  `json:"id_token"`
	IdentityID  facet  `json:"identity_id"`
	Role        string `json:"role,omitempty"` // that the ID token asks for
	Credentials facet  `json:"aws_credentials"`
}

// sessionCommand is `latchkey session` with its flags.
type sessionCommand struct {
	*app
	refresh, watching bool
}

func (a *app) sessionCommand() *cobra.Command {
	c := &sessionCommand{app: a}
	command := &cobra.Command{
		Use:   "session",
		Short: "Show every part of the session and how long it lasts",
		Long: `Shows the user, the tokens and the AWS credentials of the session and how long each
lasts. With --watch it then shows each change: a sign-in, a refresh, a sign-out,
also by other programs. Ctrl-C ends it. With --json each change is an object on a
line of its own.`,
		Args: a.atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.session(cmd) },
	}
	command.Flags().BoolVar(&c.watching, "watch", false, "go on, and show each change")
	command.Flags().BoolVar(&c.refresh, "refresh", false, "get new tokens and AWS credentials first, though the old ones are still good")
	a.addAccountFlag(command)
	return command
}

func (c *sessionCommand) session(cmd *cobra.Command) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if c.watching && !c.refresh {
		return c.watch(cmd.Context(), client)
	}
	session, err := c.fetch(cmd.Context(), client)
	if err != nil {
		return err
	}
	if c.watching {
		if _, err := session.Tokens(); err != nil {
			return err
		}
		return c.watch(cmd.Context(), client)
	}
	o := c.overview(session, time.Now())
	if c.json {
		c.writeJSON(o)
	} else {
		c.showSession(o)
	}
	_, err = session.Tokens()
	if errors.Is(err, latchkey.ErrNoUserPoolSession) {
		return nil
	}
	return err
}

// fetch returns the session. It makes no guest where no user is signed in.
func (c *sessionCommand) fetch(ctx context.Context, client *latchkey.Client) (*latchkey.Session, error) {
	if c.refresh {
		return client.FetchSession(ctx, latchkey.ForceRefresh())
	}
	known, err := client.CurrentSession(ctx)
	if err != nil || !known.SignedIn() {
		return known, err
	}
	return client.FetchSession(ctx)
}

// overview looks at every facet.
func (c *sessionCommand) overview(session *latchkey.Session, now time.Time) overview {
	o := overview{SignedIn: session.SignedIn(), Username: session.Username()}
	sub, err := session.UserSub()
	o.UserID = c.facet("User id", sub, time.Time{}, now, err)
	tokens, err := session.Tokens()
	o.AccessToken = c.tokenFacet("Access token", tokens.Access, now, err)
	if err == nil && tokens.ID == nil {
		err = errors.New("the service issued none")
	}
	o.IDToken = c.tokenFacet("ID token", tokens.ID, now, err)
	if tokens.ID != nil {
		o.Role = tokens.ID.PreferredRole()
	}
	id, err := session.IdentityID()
	o.IdentityID = c.facet("Identity id", id, time.Time{}, now, err)
	credentials, err := session.Credentials()
	o.Credentials = c.facet("AWS credentials", credentials.AccessKeyID, credentials.Expiration, now, err)
	return o
}

func (c *sessionCommand) tokenFacet(name string, token *jwt.Unverified, now time.Time, err error) facet {
	if err != nil || token == nil {
		return c.facet(name, "", time.Time{}, now, err)
	}
	return c.facet(name, "", token.Expiry(), now, nil)
}

func (c *sessionCommand) facet(name, value string, expires, now time.Time, err error) facet {
	if err != nil {
		f := facet{name: name, Error: c.reason(err)}
		f.quiet = errors.Is(err, latchkey.ErrNoIdentityPool) || errors.Is(err, latchkey.ErrNotFetched) || errors.Is(err, latchkey.ErrGuestsDisabled)
		if e, ok := errors.AsType[*latchkey.Error](err); ok {
			f.Code = e.Code
		}
		return f
	}
	f := facet{name: name, Value: value}
	if !expires.IsZero() {
		at, seconds := expires.UTC(), int64(expires.Sub(now)/time.Second)
		f.ExpiresAt, f.SecondsLeft = &at, &seconds
	}
	return f
}

func (c *sessionCommand) showSession(o overview) {
	table := &ui.Table{}
	who, style := "no", ui.Yellow
	if o.SignedIn {
		who, style = o.Username, ui.Green
	}
	table.Add(ui.Cell{Text: "Signed in", Style: ui.Faint}, ui.Cell{Text: who, Style: style})
	for _, f := range []facet{o.UserID, o.AccessToken, o.IDToken, o.IdentityID, o.Credentials} {
		if !o.SignedIn && (f.Error == o.AccessToken.Error || f.quiet) {
			continue // "no" says it, and the error that follows says why
		}
		value := ui.Cell{Text: f.Value}
		switch {
		case f.Error != "" && f.quiet:
			value = ui.Cell{Text: f.Error, Style: ui.Faint}
		case f.Error != "":
			value = ui.Cell{Text: f.Error, Style: ui.Yellow}
		case f.ExpiresAt != nil && f.Value == "":
			value.Text = left(time.Duration(*f.SecondsLeft)*time.Second) + ", until " + moment(*f.ExpiresAt)
		case f.ExpiresAt != nil:
			value.Text += ", " + left(time.Duration(*f.SecondsLeft)*time.Second)
		}
		table.Add(ui.Cell{Text: f.name, Style: ui.Faint}, value)
		if f.name == o.IdentityID.name && o.Role != "" {
			table.Field("Role", o.Role)
		}
	}
	table.Write(c.out)
}
