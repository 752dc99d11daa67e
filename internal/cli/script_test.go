package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/script. Beside testscript's own commands there are:
//
//	[!] up [DATA]           start the service on DATA ($WORK/up), on the ports it had before,
//	                        with ! on other ports; its JSON members become variables, and
//	                        up.json holds them
//	down                    stop the service with SIGTERM; it must exit with 0
//	exits CODE ARG...       run latchkey ARG...; it must exit with CODE and show no
//	                        secret on standard error
//	user NAME PASSWORD [temporary]
//	                        make a user
//	member NAME VARIABLE    set VARIABLE to a member of the JSON object on stdout
//	taken VARIABLE          set VARIABLE to an address on which something listens
//	damage GLOB             spoil the one file that GLOB names
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			s := &script{place: place(env.WorkDir)}
			env.Values[scriptKey{}] = s
			env.Setenv("LATCHKEY_HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("GORACE", noLinger)
			env.Defer(func() {
				for _, service := range s.started {
					_ = service.kill()
				}
			})
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"up": scriptUp, "down": scriptDown, "exits": scriptExits, "user": scriptUser,
			"member": scriptMember, "taken": scriptTaken, "damage": scriptDamage,
		},
	})
}

// script is what the commands of one script share.
type script struct {
	place   place
	service *service   // the last one
	started []*service // all
	secrets []string   // grows: a token stays secret after it was replaced
}

type scriptKey struct{}

func of(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

func scriptUp(ts *testscript.TestScript, elsewhere bool, args []string) {
	s := of(ts)
	data := "up"
	if len(args) > 0 {
		data = args[0]
	}
	ports := []string{"--listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0"}
	if s.service != nil && !elsewhere {
		ports = s.service.again()
	}
	service, err := startService(s.place, append(ports, "--data", ts.MkAbs(data))...)
	ts.Check(err)
	s.service = service
	s.started = append(s.started, service)
	s.secrets = append(s.secrets, service.Password, service.SecretAccessKey)
	described, err := json.Marshal(service.Ready)
	ts.Check(err)
	var members map[string]string
	ts.Check(json.Unmarshal(described, &members))
	for name, value := range members {
		ts.Setenv(name, value)
	}
	ts.Check(os.WriteFile(ts.MkAbs("up.json"), append(described, '\n'), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("password"), []byte(service.Password+"\n"), 0o600))
}

func scriptDown(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	ts.Check(s.service.stop(syscall.SIGTERM))
	ts.Check(s.reveals(s.service.stderr.String()))
}

func scriptExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("latchkey", args[1:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("latchkey %v exits with %d, not %d", args[1:], code, want)
	}
	ts.Check(of(ts).reveals(ts.ReadFile("stderr")))
}

// reveals fails if text holds anything that must not be shown.
func (s *script) reveals(text string) error {
	if s.service != nil {
		held, err := s.place.secrets(s.service.scope())
		if err != nil {
			return err
		}
		s.secrets = append(s.secrets, held...)
	}
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			return fmt.Errorf("a secret of %d characters is shown on standard error", len(secret))
		}
	}
	return nil
}

func scriptUser(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	s.secrets = append(s.secrets, args[1])
	ts.Check(s.service.addUser(args[0], args[1], len(args) < 3))
}

func scriptMember(ts *testscript.TestScript, _ bool, args []string) {
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &value))
	for name := range strings.SplitSeq(args[0], ".") {
		object, ok := value.(map[string]any)
		if !ok || object[name] == nil {
			ts.Fatalf("stdout has no member %s", args[0])
		}
		value = object[name]
	}
	ts.Setenv(args[1], fmt.Sprint(value))
}

func scriptTaken(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = listener.Close() })
	ts.Setenv(args[0], listener.Addr().String())
}

func scriptDamage(ts *testscript.TestScript, _ bool, args []string) {
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%s names %d files", args[0], len(found))
	}
	data, err := os.ReadFile(found[0])
	ts.Check(err)
	ts.Check(os.WriteFile(found[0], data[:len(data)/2], 0o600))
}
