package cli

import (
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/localservice"
	"github.com/latchkey-auth/latchkey/internal/outbox"
	"github.com/latchkey-auth/latchkey/internal/version"
)

// announce tells where the service is: a line of JSON, or a screen.
func (c *upCommand) announce(ready localservice.Ready, folder string) {
	if ready.InsecureHTTP {
		c.err.Print(c.err.Paint(ui.Yellow, "warning:") + " the http listener accepts connections from the network, unencrypted: use it only where you trust everyone")
		c.err.Print(c.err.Paint(ui.Cyan, "hint:") + " clients with a copy of the configuration may use it, since it has insecure_http")
	}
	if c.json {
		c.writeJSON(ready)
		return
	}
	c.out.Print("")
	c.out.Print("  " + c.out.Paint(ui.Green, "●") + " " + c.out.Paint(ui.Bold, "Latchkey "+version.Number+" is up"))
	c.out.Print("")
	table := describeService(ready)
	table.Field("AWS keys", mask(ready.AccessKeyID)+" / ********  ("+c.program+" status shows them)")
	table.Row()
	addDemoUser(table, ready)
	table.Write(c.out)
	c.out.Print("")
	c.out.Print("  Sign in from another terminal:")
	c.out.Print("")
	c.out.Print("    " + c.out.Paint(ui.Cyan, c.loginLine(ready)))
	c.out.Print("")
	c.out.Print("  " + c.out.Paint(ui.Faint, "Ctrl-C stops it; users and sessions stay in "+ui.Clean(folder)))
	c.out.Print("")
}

// describeService is a table of addresses and ids.
func describeService(ready localservice.Ready) *ui.Table {
	table := &ui.Table{Indent: "    "}
	page := pageAddress(ready)
	if page != "" {
		table.Add(ui.Cell{Text: "Session page", Style: ui.Faint}, ui.Cell{Text: page, Style: ui.Bold})
		table.Row()
	}
	table.Field("Endpoint", ready.Endpoint)
	table.Field("HTTPS", ready.HTTPSEndpoint)
	if page != "" {
		table.Field("Outbox", page+"outbox")
	} else {
		table.Field("Outbox", "messages are shown in the terminal of `latchkey up`")
	}
	if ready.MetricsEndpoint != "" {
		table.Field("Metrics", ready.MetricsEndpoint)
	}
	table.Field("CA file", ready.CAFile)
	table.Field("Configuration", ready.ConfigFile)
	table.Row()
	table.Field("Region", ready.Region)
	table.Field("User pool", ready.UserPoolID)
	table.Field("App client", ready.ClientID)
	table.Field("Identity pool", ready.IdentityPoolID)
	return table
}

// addDemoUser adds the demo user's name and password.
func addDemoUser(table *ui.Table, ready localservice.Ready) {
	table.Add(ui.Cell{Text: "Demo user", Style: ui.Faint}, ui.Cell{Text: ready.Username, Style: ui.Bold})
	if ready.PasswordChanged {
		table.Field("Password", "changed since the first start")
		return
	}
	table.Add(ui.Cell{Text: "Password", Style: ui.Faint}, ui.Cell{Text: ready.Password, Style: ui.Bold})
}

// pageAddress is where the session page is, with the outbox below it; empty if the
// service does not listen on a loopback address, since both answer requests of
// this machine only.
func pageAddress(ready localservice.Ready) string {
	u, err := url.Parse(ready.Endpoint)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return ""
	}
	return ready.Endpoint + "/"
}

// tellSent shows a message that the service would have sent, its code included.
func (c *upCommand) tellSent(e outbox.Entry) {
	c.err.Print("  " + c.err.Paint(ui.Cyan, "✉") + " " + e.At.Format("15:04:05") + " " + e.Medium + " to " + ui.Clean(e.Address) + ": " +
		c.err.Paint(ui.Bold, ui.Clean(e.Text.Reveal())))
}

// mask shows just enough of a key's id to tell it from another.
func mask(id string) string {
	if len(id) < 16 {
		return strings.Repeat("*", 8)
	}
	return id[:4] + strings.Repeat("*", 8) + id[len(id)-4:]
}

// loginLine is what to type to sign in: the configuration is named only if the
// command would not find it by itself.
func (c *upCommand) loginLine(ready localservice.Ready) string {
	line := c.program + " login " + ready.Username
	if path, err := findConfig(""); err == nil {
		found, err := latchkey.LoadConfig(path)
		if err == nil && found.UserPoolID == ready.UserPoolID && found.ClientID == ready.ClientID && found.UserPoolEndpoint == ready.Endpoint {
			return line
		}
	}
	return line + " --config " + shellQuote(ready.ConfigFile)
}

// shellQuote makes a path one word for a shell.
func shellQuote(path string) string {
	plain := func(r rune) bool {
		return r == '/' || r == '.' || r == '-' || r == '_' || r == ':' || r == os.PathSeparator ||
			'0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if !strings.ContainsFunc(path, func(r rune) bool { return !plain(r) }) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
