package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// signedOut is the output of logout --json, and an element of that of logout --all. What is
// false was not asked for, or failed; then the error says so.
type signedOut struct {
	Username    string `json:"username"`
	Local       bool   `json:"local"`
	LocalError  string `json:"local_error,omitempty"`
	Revoked     bool   `json:"revoked"`
	RevokeError string `json:"revoke_error,omitempty"`
	Queued      bool   `json:"queued"`
	Global      bool   `json:"global"`
	GlobalError string `json:"global_error,omitempty"`
	// Of a session that came from the sign-in pages.
	LogoutURL       string `json:"logout_url,omitempty"`
	HostedPage      bool   `json:"hosted_page"`
	HostedPageError string `json:"hosted_page_error,omitempty"`
}

func (a *app) logoutCommand() *cobra.Command {
	c := &logoutCommand{app: a}
	command := &cobra.Command{
		Use:   "logout",
		Short: "Sign out, and tell what was done",
		Long: `Forgets the session on this machine and has the service revoke its refresh token.
With --global the service ends all sessions of the user, on all devices. You are
signed out of this machine even if the service cannot be reached.

With --all it does so for every account on this machine.

After a sign-in with --web it opens the service's logout page, so that the browser
forgets you too; with --no-browser it shows that address instead.`,
		Args: a.atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case c.global && c.local:
				return a.misuse(cmd, "--global and --local exclude each other")
			case c.global && c.all:
				return a.misuse(cmd, "--global and --all exclude each other")
			case c.all && c.accountFlag != "":
				return a.misuse(cmd, "--account and --all exclude each other")
			}
			return c.logout(cmd.Context())
		},
	}
	command.Flags().BoolVar(&c.global, "global", false, "end all sessions of the user, on all devices")
	command.Flags().BoolVar(&c.all, "all", false, "sign out every account on this machine")
	command.Flags().BoolVar(&c.local, "local", false, "forget the session here and tell nobody")
	command.Flags().BoolVar(&c.noBrowser, "no-browser", false, "show the address of the logout page instead of opening it")
	a.addAccountFlag(command)
	return command
}

// logoutCommand is `latchkey logout` with its flags.
type logoutCommand struct {
	*app
	global, local, all, noBrowser bool
}

func (c *logoutCommand) logout(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	var options []latchkey.SignOutOption
	if c.local {
		options = append(options, latchkey.LocalOnly())
	}
	if c.noBrowser {
		options = append(options, latchkey.KeepBrowser())
	}
	if c.all {
		return c.logoutAll(ctx, client, options)
	}
	end := client.SignOut
	if c.global {
		end = client.GlobalSignOut
	}
	report, err := end(ctx, options...)
	if c.json {
		c.writeJSON(c.describe(report))
	} else {
		c.showSignOut(report)
	}
	return c.incomplete(report, err)
}

// logoutAll signs all accounts out. The exit code is that of the first one that is incomplete.
func (c *logoutCommand) logoutAll(ctx context.Context, client *latchkey.Client, options []latchkey.SignOutOption) error {
	reports, err := client.SignOutAll(ctx, options...)
	reports = slices.DeleteFunc(reports, c.nothingDone)
	all := make([]signedOut, len(reports)) // not nil: an empty list is []
	var first *failure
	for i, report := range reports {
		all[i] = c.describe(report)
		if !c.json {
			c.showSignOut(report)
		}
		incomplete, failed := errors.AsType[*failure](c.incomplete(report, report.Err()))
		if !failed {
			continue
		}
		incomplete.err = errors.New(report.Username + ": " + incomplete.Error())
		if first == nil {
			first = incomplete
			continue
		}
		first.err = errors.New(first.Error() + "; " + incomplete.Error())
	}
	switch {
	case c.json:
		c.writeJSON(all)
	case len(reports) == 0 && err == nil:
		c.out.Print("No account was signed in.")
	}
	if first == nil {
		return err // the store could not be listed
	}
	return first
}

// describe is a report in the form of --json.
func (c *logoutCommand) describe(report latchkey.SignOutReport) signedOut {
	failed := signOutErrorsOf(report)
	return signedOut{
		Username: report.Username,
		Local:    report.Local, LocalError: c.reason(failed.local),
		Revoked: report.Revoked, RevokeError: c.reason(failed.revoke), Queued: report.Queued,
		Global: report.Global, GlobalError: c.reason(failed.global),
		LogoutURL: report.LogoutURL, HostedPage: report.HostedPage, HostedPageError: c.reason(failed.page),
	}
}

// showSignOut says what was done; the error says what was not.
func (c *logoutCommand) showSignOut(report latchkey.SignOutReport) {
	if report.Username == "" || c.nothingDone(report) {
		c.out.Print("Nobody was signed in.")
		return
	}
	name := ui.Clean(report.Username)
	if report.Local {
		c.out.Print(c.out.Paint(ui.Green, "Signed out") + " " + name + " on this machine.")
	}
	if report.Global {
		c.out.Print("The service has ended all sessions of " + name + ".")
	}
	if report.Revoked {
		c.out.Print("The service has revoked the refresh token" + c.whose(name) + ".")
	}
	switch {
	case report.HostedPage:
		c.out.Print("The logout page is open in your browser.")
	case report.LogoutURL != "":
		c.out.Print("Your browser stays signed in until it opens:\n\n  " + ui.Clean(report.LogoutURL))
	}
}

// nothingDone reports whether the account was signed out before. With --local the report
// does not say.
func (c *logoutCommand) nothingDone(report latchkey.SignOutReport) bool {
	return !c.local && report.Local && !report.Revoked && !report.Global && report.LogoutURL == "" && report.Err() == nil
}

// whose names the account where there may be several.
func (c *logoutCommand) whose(name string) string {
	if c.all {
		return " of " + name
	}
	return ""
}

// incomplete says what a sign-out left undone and what that means.
func (c *logoutCommand) incomplete(report latchkey.SignOutReport, err error) error {
	if err == nil {
		return nil
	}
	f := &failure{code: exitCode(err), err: err}
	what, failed := "", signOutErrorsOf(report)
	switch {
	case failed.local != nil:
		what = "the session could not be removed from this machine"
		err = failed.local
	case failed.global != nil:
		what = "the user's other sessions continue"
		err = failed.global
	case failed.page != nil && failed.revoke == nil:
		what = "the logout page could not be opened"
		err = failed.page
		f.hints = []string{"run " + c.typed("logout") + " again, or open its address by hand"}
	default:
		what = "the refresh token was not revoked"
		err = failed.revoke
		f.hints = []string{"nobody can use it from this machine any more; it stays good wherever it was copied to"}
		if report.Queued {
			what = "the refresh token is not revoked yet"
			f.hints = []string{"it waits on this machine, and is revoked when a latchkey command next reaches the service"}
		}
	}
	text, _ := c.explain(err)
	f.err = errors.New(what + ": " + text)
	return f
}
