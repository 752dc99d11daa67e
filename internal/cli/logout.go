package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// signedOut is what logout tells with --json. What is false was not asked for,
// or failed; then the error tells so.
type signedOut struct {
	Username    string `json:"username"`
	Local       bool   `json:"local"`
	LocalError  string `json:"local_error,omitempty"`
	Revoked     bool   `json:"revoked"`
	RevokeError string `json:"revoke_error,omitempty"`
	Queued      bool   `json:"queued"`
	Global      bool   `json:"global"`
	GlobalError string `json:"global_error,omitempty"`
}

func (a *app) logoutCommand() *cobra.Command {
	var global bool
	command := &cobra.Command{
		Use:   "logout",
		Short: "Sign out, and tell what was done",
		Long: `Forgets the session on this machine and has the service revoke its refresh token.
With --global the service ends all sessions of the user, on all devices. You are
signed out of this machine even if the service cannot be reached.`,
		Args: a.atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.logout(cmd.Context(), global) },
	}
	command.Flags().BoolVar(&global, "global", false, "end all sessions of the user, on all devices")
	return command
}

func (a *app) logout(ctx context.Context, global bool) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	end := func(ctx context.Context) (latchkey.SignOutReport, error) { return client.SignOut(ctx) }
	if global {
		end = client.GlobalSignOut
	}
	report, err := end(ctx)
	if a.json {
		a.writeJSON(signedOut{
			Username: report.Username,
			Local:    report.Local, LocalError: a.reason(report.LocalError),
			Revoked: report.Revoked, RevokeError: a.reason(report.RevokeError), Queued: report.Queued,
			Global: report.Global, GlobalError: a.reason(report.GlobalError),
		})
	} else {
		a.tellSignOut(report)
	}
	return a.incomplete(report, err)
}

// reason is an error in one line; empty for none.
func (a *app) reason(err error) string {
	if err == nil {
		return ""
	}
	text, _ := a.explain(err)
	return text
}

// tellSignOut says what was done; what was not done is the error's to tell.
func (a *app) tellSignOut(report latchkey.SignOutReport) {
	if report.Username == "" || report.Local && !report.Revoked && !report.Global && report.Err() == nil {
		a.out.Print("Nobody was signed in.")
		return
	}
	name := ui.Clean(report.Username)
	if report.Local {
		a.out.Print(a.out.Paint(ui.Green, "Signed out") + " " + name + " on this machine.")
	}
	if report.Global {
		a.out.Print("The service has ended all sessions of " + name + ".")
	}
	if report.Revoked {
		a.out.Print("The service has revoked the refresh token.")
	}
}

// incomplete says what a sign-out left undone and what that means.
func (a *app) incomplete(report latchkey.SignOutReport, err error) error {
	if err == nil {
		return nil
	}
	f := &failure{code: exitCode(err), err: err}
	what := ""
	switch {
	case report.LocalError != nil:
		what = "the session could not be removed from this machine"
		err = report.LocalError
	case report.GlobalError != nil:
		what = "the user's other sessions go on"
		err = report.GlobalError
	default:
		what = "the refresh token was not revoked"
		err = report.RevokeError
		f.hints = []string{"nobody can use it from this machine any more; it stays good wherever it was copied to"}
		if report.Queued {
			what = "the refresh token is not revoked yet"
			f.hints = []string{"it waits on this machine, and is revoked when a latchkey command next reaches the service"}
		}
	}
	text, _ := a.explain(err)
	f.err = errors.New(what + ": " + text)
	return f
}
