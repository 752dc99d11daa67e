//go:build linux

package cli

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestColourIsForTerminalsOnly(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	p.run(t, s.Password, "login", "demo", "--password-stdin")
	for _, test := range []struct {
		name  string
		env   string
		piped bool
		want  bool
	}{
		{name: "terminal", env: "TERM=xterm", want: true},
		{name: "NO_COLOR", env: "NO_COLOR=1"},
		{name: "dumb", env: "TERM=dumb"},
		{name: "pipe", env: "TERM=xterm", piped: true},
	} {
		cmd := p.command("session")
		cmd.Env = append(cmd.Env, test.env)
		var out syncBuffer
		if test.piped {
			cmd.Stdout = &out
		}
		c := talk(t, cmd)
		if code := c.end(); code != exitDone {
			t.Errorf("%s: session exits with %d", test.name, code)
		}
		shown := c.said + out.String()
		if !strings.Contains(shown, "Signed in") || strings.Contains(shown, "\x1b") != test.want {
			t.Errorf("%s: color is not %v: %q", test.name, test.want, shown)
		}
	}
}

func TestScreenOfUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	again := s.again()
	if err := s.stop(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd := p.command(slices.Concat([]string{"up"}, again)...)
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	c := talk(t, cmd)
	c.expect("Latchkey")
	c.expect("is up")
	c.expect("Session page")
	c.expect(s.Endpoint + "/")
	for _, value := range []string{s.Endpoint, s.HTTPSEndpoint, s.CAFile, s.ConfigFile, s.Region, s.UserPoolID, s.ClientID, s.IdentityPoolID, s.Username, s.Password} {
		c.expect(value)
	}
	c.expect("latchkey login demo")
	c.expect("Ctrl-C")
	c.say("\x03")
	c.expect("Stopped")
	if code := c.end(); code != exitDone {
		t.Errorf("up exits with %d after Ctrl-C: %s", code, c.said)
	}
	for _, key := range []string{s.AccessKeyID, s.SecretAccessKey} {
		if strings.Contains(c.said, key) {
			t.Errorf("a key is shown on the screen: %s", c.said)
		}
	}
}
