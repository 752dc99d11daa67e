//go:build linux

package cli

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// conversation is a command on a pseudo-terminal of its own.
type conversation struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	slave  *os.File // kept open, so that what was said last can be read
	chunks chan string
	said   string // all that was shown
	seen   int    // how much of it expect has passed
}

// talk starts cmd on a pseudo-terminal. Streams that are set stay what they are.
func talk(t *testing.T, cmd *exec.Cmd) *conversation {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &conversation{t: t, cmd: cmd, master: master, slave: slave, chunks: make(chan string, 64)}
	if cmd.Stdin == nil {
		cmd.Stdin = slave
	}
	if cmd.Stdout == nil {
		cmd.Stdout = slave
	}
	if cmd.Stderr == nil {
		cmd.Stderr = slave
	}
	// The child's descriptor 3 is the terminal whatever its streams are.
	cmd.ExtraFiles = []*os.File{slave}
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.listen()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, unless the test failed
		_ = slave.Close()
		_ = master.Close()
	})
	return c
}

func (c *conversation) listen() {
	defer close(c.chunks)
	buffer := make([]byte, 4096)
	for {
		n, err := c.master.Read(buffer)
		if n > 0 {
			c.chunks <- string(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

// expect waits until text is shown, after what was expected before.
func (c *conversation) expect(text string) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		if i := strings.Index(c.said[c.seen:], text); i >= 0 {
			c.seen += i + len(text)
			return
		}
		select {
		case chunk, ok := <-c.chunks:
			if !ok {
				c.t.Fatalf("%q was never shown, only %q", text, c.said)
			}
			c.said += chunk
		case <-deadline:
			c.t.Fatalf("%q was not shown within %v, only %q", text, patience, c.said)
		}
	}
}

func (c *conversation) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.master, line); err != nil {
		c.t.Fatal(err)
	}
}

// end waits for the command's end and returns its exit code.
func (c *conversation) end() int {
	c.t.Helper()
	watchdog := time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
	defer watchdog.Stop()
	_ = c.cmd.Wait() // the code says it
	const mark = "\r\n--end of the conversation--\r\n"
	if _, err := io.WriteString(c.slave, strings.ReplaceAll(mark, "\r", "")); err != nil {
		c.t.Fatal(err)
	}
	c.expect(mark[2:])
	c.said = strings.TrimSuffix(c.said, mark)
	return c.cmd.ProcessState.ExitCode()
}

// echoes reports whether the terminal shows what is typed.
func (c *conversation) echoes() bool {
	c.t.Helper()
	state, err := unix.IoctlGetTermios(int(c.slave.Fd()), unix.TCGETS)
	if err != nil {
		c.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func TestPasswordIsAskedWithoutEcho(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	c := talk(t, p.command("login"))
	c.expect("Username: ")
	c.say("demo\n")
	c.expect("Password for demo: ")
	if c.echoes() {
		t.Error("the terminal echoes while the password is asked for")
	}
	c.say(s.Password + "\n")
	c.expect("Signed in")
	if code := c.end(); code != exitDone {
		t.Errorf("login exits with %d: %s", code, c.said)
	}
	if strings.Contains(c.said, s.Password) {
		t.Errorf("the password is shown: %q", c.said)
	}
	if !c.echoes() {
		t.Error("login leaves the terminal without echo")
	}
}

func TestQuestionsLeaveRedirectedStreamsAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	cmd := p.command("login", "demo", "--json")
	var out, errs syncBuffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(""), &out, &errs
	c := talk(t, cmd)
	c.expect("Password for demo: ")
	c.say(s.Password + "\n")
	if code := c.end(); code != exitDone || errs.String() != "" {
		t.Errorf("login exits with %d and says %q", code, errs.String())
	}
	var who signedIn
	if err := unmarshalLine(out.String(), &who); err != nil || who.Username != "demo" {
		t.Errorf("standard output is %q: %v", out.String(), err)
	}
}

func TestInterruptedQuestion(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.up(t)
	for _, signal := range []string{"\x03", "TERM"} {
		c := talk(t, p.command("login", "demo"))
		c.expect("Password for demo: ")
		if signal == "TERM" {
			if err := c.cmd.Process.Signal(unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
		} else {
			c.say(signal)
		}
		c.expect("latchkey:")
		c.expect("interrupted")
		if code := c.end(); code != exitInterrupted {
			t.Errorf("after %q login exits with %d", signal, code)
		}
		if !c.echoes() {
			t.Errorf("after %q the terminal is left without echo", signal)
		}
	}
}

func TestTemporaryPasswordIsReplaced(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	if err := s.addUser("tina", "Temporary-1", false); err != nil {
		t.Fatal(err)
	}
	c := talk(t, p.command("login", "tina"))
	c.expect("Password for tina: ")
	c.say("Temporary-1\n")
	c.expect("temporary")
	for _, answer := range []string{"Lasting-Word-2", "Lasting-Word-3", "Ab-1", "Ab-1", " Lasting-Word-2", " Lasting-Word-2", "Lasting-Word-2", "Lasting-Word-2"} {
		c.expect("New password")
		c.expect(": ")
		c.say(answer + "\n")
	}
	c.expect("Signed in")
	if code := c.end(); code != exitDone {
		t.Fatalf("login exits with %d: %s", code, c.said)
	}
	if !strings.Contains(c.said, "The two differ.") {
		t.Errorf("a mistyped password is not told of: %s", c.said)
	}
	const limits = "The service refuses this password: it must have 6 to 256 characters, and no blank at its beginning or end"
	if strings.Count(c.said, limits) != 2 {
		t.Errorf("a password beyond the limits is not told of: %s", c.said)
	}
	if strings.Contains(c.said, "Lasting-Word") || strings.Contains(c.said, "Temporary-1") {
		t.Errorf("a password is shown: %q", c.said)
	}
	if _, errs, code := p.run(t, "Lasting-Word-2", "login", "tina", "--password-stdin"); code != exitDone {
		t.Errorf("the new password is not taken: %s", errs)
	}
}

func TestRequiredAttributesAreAsked(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	config := strictPool(t, s)
	c := talk(t, p.command("login", "nora", "--config", config))
	c.expect("Password for nora: ")
	c.say("Temporary-1\n")
	c.expect("Your given name: ")
	c.say("\n") // nothing: asked again
	c.expect("Your given name: ")
	c.say("Nora\n")
	for _, answer := range []string{"onlysmallletters", "onlysmallletters", "Lasting-Word-2", "Lasting-Word-2"} {
		c.expect("New password")
		c.expect(": ")
		c.say(answer + "\n")
	}
	c.expect("Signed in")
	if code := c.end(); code != exitDone {
		t.Fatalf("login exits with %d: %s", code, c.said)
	}
	if !strings.Contains(c.said, "The service refuses this password: ") {
		t.Errorf("a password that the policy refuses is not told of: %s", c.said)
	}
	p.run(t, "", "session", "--refresh", "--config", config)
	token, _, _ := p.run(t, "", "token", "id", "--config", config)
	claims, _, _ := p.run(t, token, "decode", "-", "--json", "--config", config)
	if !strings.Contains(claims, `"given_name":"Nora"`) {
		t.Errorf("the attribute did not arrive: %s", claims)
	}
}

// strictPool makes a second pool, which demands a given name, with a user who
// has none, and returns a configuration for it.
func strictPool(t *testing.T, s *service) (config string) {
	t.Helper()
	var pool wire.CreateUserPoolResponse
	var client wire.CreateUserPoolClientResponse
	err := s.call("CreateUserPool", &wire.CreateUserPoolRequest{
		PoolName: "strict", Schema: []wire.SchemaAttributeType{{Name: "given_name", Required: new(true)}},
	}, &pool, true)
	if err != nil {
		t.Fatal(err)
	}
	err = s.call("CreateUserPoolClient", &wire.CreateUserPoolClientRequest{
		UserPoolId: pool.UserPool.Id, ClientName: "strict",
		UserPoolClientSettings: wire.UserPoolClientSettings{
			ExplicitAuthFlows: []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowRefreshTokenAuth},
		},
	}, &client, true)
	if err != nil {
		t.Fatal(err)
	}
	err = s.call("AdminCreateUser", &wire.AdminCreateUserRequest{
		UserPoolId: pool.UserPool.Id, Username: "nora",
		TemporaryPassword: "Temporary-1", MessageAction: wire.MessageActionSuppress,
	}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	return s.configWith(t, s.UserPoolID, pool.UserPool.Id, s.ClientID, client.UserPoolClient.ClientId)
}

// TestRemoteShell: the address is shown, and the answer pasted back, after a slip.
func TestRemoteShell(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	c := talk(t, p.command("login", "--web", "--no-browser"))
	c.expect("Open this address in a browser")
	c.expect("Address: ")
	_, rest, _ := strings.Cut(c.said, "http://")
	address, _, _ := strings.Cut(rest, "\r\n")
	c.say("what?\n")
	c.expect("Address: ")
	callback, err := visit("http://"+address, "demo", s.Password, false)
	if err != nil || !strings.HasPrefix(callback, "http://127.0.0.1/callback?") {
		t.Fatalf("the browser ends up at %q: %v", callback, err)
	}
	c.say(callback + "\n")
	c.expect("Signed in")
	if code := c.end(); code != exitDone {
		t.Errorf("login exits with %d: %s", code, c.said)
	}
	out, _, code := p.run(t, "", "logout", "--json")
	if code != exitDone || !strings.Contains(out, `"hosted_page":false`) || !strings.Contains(out, `"logout_url":"http://`) {
		t.Errorf("logout exits with %d: %s", code, out)
	}
}

// TestReadmeShowsPrompts compares the sign-in of the README with a real one.
func TestReadmeShowsPrompts(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	p := newPlace(t)
	s := p.up(t)
	cmd := p.command("login", "demo")
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	c := talk(t, cmd)
	c.expect("Password")
	c.say(s.Password + "\n")
	c.expect("Signed in")
	if code := c.end(); code != exitDone {
		t.Fatalf("login exits with %d: %s", code, c.said)
	}
	want := "$ latchkey login demo\n"
	for line := range strings.Lines(c.said) {
		if line = strings.TrimSpace(line); line != "" {
			want += line + "\n"
		}
	}
	if !strings.Contains(string(readme), want) {
		t.Errorf("the README does not show\n%s", want)
	}
}
