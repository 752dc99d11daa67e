package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// sessionEvent is a line of the output of session --watch --json.
type sessionEvent struct {
	Event      string    `json:"event"` // such as "Refreshed"
	At         time.Time `json:"at"`
	Username   string    `json:"username,omitempty"`
	Provider   string    `json:"provider,omitempty"`
	IdentityID string    `json:"identity_id,omitempty"`
	Cause      string    `json:"cause,omitempty"` // "local", "global" or "remote"
	Error      string    `json:"error,omitempty"`
	Code       string    `json:"code,omitempty"` // Cognito's exception
	Session    overview  `json:"session"`        // after the event, as far as it is stored
}

// watch shows the session and then each change of it, until ctx ends. It renews nothing.
func (c *sessionCommand) watch(ctx context.Context, client *latchkey.Client) error {
	c.catchSignals()
	events := make(chan latchkey.Event)
	stop, err := client.Subscribe(func(e latchkey.Event) {
		select {
		case events <- e:
		case <-ctx.Done():
		}
	}, latchkey.InitialEvent())
	if err != nil {
		return err
	}
	defer stop()
	for first := true; c.out.Failed() == nil; first = false {
		select {
		case e := <-events:
			c.showEvent(e, first)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil // report has the error of standard output
}

func (c *sessionCommand) showEvent(e latchkey.Event, first bool) {
	line := sessionEvent{
		Event: e.Kind.String(), At: e.At.UTC(), Username: e.Username, Provider: e.Provider, IdentityID: e.IdentityID,
		Cause: string(e.Cause), Error: c.reason(e.Err), Session: c.overview(e.Session, time.Now()),
	}
	if failed, ok := errors.AsType[*latchkey.Error](e.Err); ok {
		line.Code = failed.Code
	}
	if c.json {
		c.writeJSON(line)
		return
	}
	if first {
		c.showSession(line.Session)
		if c.err.Terminal() {
			c.err.Print(c.err.Paint(ui.Faint, "Waiting for changes. Ctrl-C ends this."))
		}
		if e.Err == nil {
			return
		}
	}
	c.showLine(line)
}

// showLine shows a change on one line: when, what, whose, and what follows.
func (c *sessionCommand) showLine(e sessionEvent) {
	style := ui.Green
	if e.Error != "" || !e.Session.SignedIn {
		style = ui.Yellow
	}
	parts := []string{e.At.Local().Format("15:04:05"), c.out.Paint(style, e.Event)}
	if e.Username != "" {
		parts = append(parts, ui.Clean(e.Username))
	}
	if e.IdentityID != "" {
		parts = append(parts, ui.Clean(e.IdentityID))
	}
	switch {
	case e.Error != "":
		parts = append(parts, ui.Clean(e.Error))
	case e.Cause == string(latchkey.CauseRemote):
		parts = append(parts, "by another program")
	}
	if left := e.Session.AccessToken.SecondsLeft; left != nil {
		parts = append(parts, "access token "+span(time.Duration(*left)*time.Second)+" left")
	}
	c.out.Print(strings.Join(parts, "  "))
}
