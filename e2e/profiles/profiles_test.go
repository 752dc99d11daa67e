package profiles

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/latchkey-auth/latchkey/e2e/internal/local"
)

func TestMain(m *testing.M) { local.Main(m) }

const (
	awscli = "/usr/bin/aws"     // Debian's; another may stand earlier in PATH
	python = "/usr/bin/python3" // with botocore
)

// special are the characters that shells and INI files treat in their own ways.
const special = " &();<>[]{}|~#!%"

// machine is a user's machine of which a test owns every folder.
type machine struct {
	t       *testing.T
	command string // the latchkey command
	environ []string
	config  string // the AWS configuration file
}

// newMachine puts a copy of the command, its sessions and its configuration into a folder.
func newMachine(t *testing.T, folder string) machine {
	t.Helper()
	root := t.TempDir()
	folder = filepath.Join(root, folder)
	must(t, os.MkdirAll(folder, 0o700))
	binary, err := os.ReadFile(local.Command())
	must(t, err)
	m := machine{t: t, command: filepath.Join(folder, "latchkey"), config: filepath.Join(root, "aws-config")}
	must(t, os.WriteFile(m.command, binary, 0o700))
	text, err := os.ReadFile(local.Up().ConfigFile)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, "amplify_outputs.json"), text, 0o600))
	m.environ = []string{
		"PATH=/usr/bin:/bin", "HOME=" + root, "LANG=C.UTF-8", "AWS_EC2_METADATA_DISABLED=true",
		"LATCHKEY_HOME=" + filepath.Join(folder, "home"), "LATCHKEY_CONFIG=" + filepath.Join(folder, "amplify_outputs.json"),
		"AWS_CONFIG_FILE=" + m.config, "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(root, "none"),
	}
	return m
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a program and returns what it wrote.
func (m machine) run(stdin, program string, arguments ...string) string {
	m.t.Helper()
	command := exec.CommandContext(m.t.Context(), program, arguments...)
	command.Env, command.Stdin = m.environ, strings.NewReader(stdin)
	said, err := command.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s %v: %v\n%s", filepath.Base(program), arguments, err, said)
	}
	return string(said)
}

// accessKey is the access key id that the command itself prints.
func (m machine) accessKey() string {
	m.t.Helper()
	var got struct {
		ID string `json:"access_key_id"`
	}
	must(m.t, json.Unmarshal([]byte(m.run("", m.command, "credentials", "--json")), &got))
	return got.ID
}

// TestProfiles installs profiles with a command, a configuration and sessions in folders of
// strange names, and has three clients get the credentials.
func TestProfiles(t *testing.T) {
	local.Need(t, awscli)
	local.Need(t, python)
	for _, character := range special {
		t.Run(fmt.Sprintf("%q", character), func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "a"+string(character)+"b")
			m.run(local.Up().Password+"\n", m.command, "login", local.Up().Username, "--password-stdin")
			m.run("", m.command, "credentials", "--install", "work")
			want := m.accessKey()
			// The profile has everything that it needs: the clients get no variables of the command.
			m.environ = append(m.environ[:4:4], m.environ[6:]...)
			if got := m.goSDK("work"); got != want {
				t.Errorf("aws-sdk-go-v2: %q, want %q", got, want)
			}
			said := m.run("", python, "-c", "import botocore.session; print(botocore.session.Session(profile='work').get_credentials().access_key)")
			if strings.TrimSpace(said) != want {
				t.Errorf("botocore: %q, want %q", said, want)
			}
			if said := m.run("", awscli, "configure", "export-credentials", "--profile", "work"); !strings.Contains(said, want) {
				t.Errorf("the AWS CLI: %s, want %s", said, want)
			}
		})
	}
}

// goSDK is the access key id that aws-sdk-go-v2 gets by a profile.
func (m machine) goSDK(profile string) string {
	m.t.Helper()
	cfg, err := config.LoadDefaultConfig(m.t.Context(),
		config.WithSharedConfigFiles([]string{m.config}), config.WithSharedCredentialsFiles(nil), config.WithSharedConfigProfile(profile))
	must(m.t, err)
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	got, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		text, _ := os.ReadFile(m.config)
		m.t.Errorf("aws-sdk-go-v2: %v\n%s", err, text)
	}
	return got.AccessKeyID
}
