package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/loopback"
)

// webFlags are the flags of `latchkey login --web`.
type webFlags struct {
	on, noBrowser bool
	provider      string
	port          int
}

func (f *webFlags) add(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVar(&f.on, "web", false, "sign in with the browser")
	flags.StringVar(&f.provider, "provider", "", "`name` of the identity provider to sign in with, such as Google (with --web)")
	flags.BoolVar(&f.noBrowser, "no-browser", false, "show the address instead of opening it, and read the answer (with --web)")
	flags.IntVar(&f.port, "port", 0, "`port` to come back to, if the app client has registered one (with --web; default a free one)")
}

// check finds what is wrong with the flags.
func (f *webFlags) check(fromStdin bool) (wrong string) {
	switch {
	case f.on && fromStdin:
		return "--web and --password-stdin exclude each other"
	case !f.on && (f.noBrowser || f.provider != "" || f.port != 0):
		return "--provider, --no-browser and --port need --web"
	case f.port < 0 || f.port > 65535:
		return "--port must be a number from 1 to 65535"
	}
	return ""
}

func (c *loginCommand) loginWeb(ctx context.Context, username string) error {
	c.catchSignals()
	asker := &dialogue{app: c.app}
	defer asker.close()
	var callback string
	client, err := c.client(func(config *latchkey.Config) {
		config.OpenBrowser, callback = c.showAndOpen, callbackAt(config.OAuth, c.web.port)
	})
	if err != nil {
		return err
	}
	options := []latchkey.RedirectOption{latchkey.RedirectTo(callback)}
	if c.web.provider != "" {
		options = append(options, latchkey.ThroughProvider(c.web.provider))
	}
	if username != "" {
		options = append(options, latchkey.LoginHint(username))
	}
	if c.web.noBrowser {
		options = append(options, latchkey.PasteAnswer(asker.paste))
	}
	if err := client.SignInBrowser(ctx, options...); err != nil && !errors.Is(err, latchkey.ErrStore) {
		return err
	} else if err != nil {
		return &failure{err: err, hints: []string{"the session was not kept: this command is all that had it"}}
	}
	return c.welcome(ctx, client)
}

// callbackAt is the first loopback URL of the configuration with the given port; empty, which
// leaves the choice to the library, if the port is 0 or there is no such URL.
func callbackAt(pages *latchkey.OAuthConfig, port int) string {
	if port == 0 {
		return ""
	}
	callbacks := []string{"http://127.0.0.1/callback"}
	if pages != nil && len(pages.RedirectSignIn) > 0 {
		callbacks = pages.RedirectSignIn
	}
	for _, callback := range callbacks {
		u, err := url.Parse(callback)
		if err == nil && u.Scheme == "http" && slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname()) {
			u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(port))
			return u.String()
		}
	}
	return ""
}

// showAndOpen opens an address in the browser and shows it, for whoever sees no
// browser come up. A browser that does not start is no failure of the sign-in: the
// address may be opened by hand.
func (c *loginCommand) showAndOpen(ctx context.Context, address string) error {
	c.err.Print("Your browser opens to sign in. If it does not, open this address in it:\n\n  " + ui.Clean(address) + "\n")
	err := loopback.Browse(ctx, address)
	if err != nil && ctx.Err() == nil {
		c.err.Print(c.err.Paint(ui.Yellow, "No browser could be started") + " (" + ui.Clean(err.Error()) + "). On a remote machine use --no-browser.")
	}
	return nil
}

// paste shows the address and reads where the browser ended up: from the terminal,
// or from standard input where there is none.
func (d *dialogue) paste(ctx context.Context, address string) (string, error) {
	d.app.err.Print("Open this address in a browser, on any machine, and sign in:\n\n  " + ui.Clean(address) + "\n")
	d.app.err.Print("The browser then ends up at an address of this machine that it may not be able to show. Copy it.")
	if _, err := d.open(); err == nil {
		return d.ask(ctx, "Address:")
	}
	answer, err := ui.ReadLine(d.app.in)
	if errors.Is(err, io.EOF) {
		return "", &failure{code: exitUsage, err: errors.New("there is no answer on standard input")}
	}
	return answer, err
}
