package cli

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/awsprofile"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
)

// profileInstaller writes profiles for the AWS tools.
type profileInstaller struct{ *credentialsCommand }

// install writes a profile whose credentials come from this program into the
// AWS configuration file, and leaves everything else in it as it is.
func (p *profileInstaller) install(cmd *cobra.Command) error {
	name := p.profile
	if wrong := awsprofile.CheckName(name); wrong != "" {
		return p.misuse(cmd, wrong)
	}
	config, err := p.config()
	if err != nil {
		return err
	}
	if config.IdentityPoolID == "" {
		return &failure{code: exitFailed, err: latchkey.ErrNoIdentityPool, hints: []string{"add identity_pool_id to the configuration's auth"}}
	}
	command, err := p.processCommand(cmd)
	if err != nil {
		return err
	}
	path, err := awsprofile.ConfigFile()
	if err != nil {
		return &failure{code: exitFailed, err: err, hints: []string{"set AWS_CONFIG_FILE"}}
	}
	err = awsprofile.Install(cmd.Context(), path, awsprofile.Profile{Name: name, Command: command, Region: config.Region(), Force: p.force})
	if err != nil {
		f := &failure{code: exitFailed, err: fmt.Errorf("write the AWS configuration: %w", err)}
		if errors.Is(err, awsprofile.ErrForeign) {
			f.hints = []string{"choose another name, or replace it with --force"}
		}
		return f
	}
	p.warnShadowed(name)
	if p.json {
		p.writeJSON(map[string]string{"profile": name, "file": path, "credential_process": command})
		return nil
	}
	p.out.Print("Wrote the profile " + name + " to " + path + ".")
	p.err.Print("hint: " + tryProfile(config, name))
	return nil
}

// tryProfile says how to try a profile. AWS knows the keys of its own identity pools only;
// those of a self-hosted service are AWS's if it has an STS broker.
func tryProfile(config latchkey.Config, name string) string {
	if u, err := url.Parse(config.IdentityPoolEndpoint); err == nil && u.Host != "" && !awsHost(u.Hostname()) {
		return "APIs that verify the credentials of this service accept them (package sigv4auth); AWS does so only if the service has an STS broker"
	}
	return "try `aws sts get-caller-identity --profile " + shellQuote(name) + "`"
}

func awsHost(host string) bool {
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}

// processCommand is the command line of credential_process.
func (p *profileInstaller) processCommand(cmd *cobra.Command) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	if builtByGoRun(self) {
		return "", &failure{code: exitFailed, err: errors.New("a program that `go run` has built will not stay where it is"),
			hints: []string{"build it first: `make build`, then bin/latchkey credentials --install " + shellQuote(p.profile)}}
	}
	args := []string{self, "credentials"}
	path, err := findConfig(p.configFlag)
	if err != nil {
		return "", p.noConfig(err)
	}
	if p.configFlag != "" || os.Getenv(userdirs.ConfigVariable) != "" {
		if path, err = filepath.Abs(path); err != nil {
			return "", err
		}
		args = append(args, "--config", path)
	}
	if p.homeFlag != "" || os.Getenv(userdirs.HomeVariable) != "" {
		folder, err := p.home()
		if err != nil {
			return "", err
		}
		args = append(args, "--home", folder)
	}
	if p.guest {
		args = append(args, "--guest")
	} else if account, err := p.profileAccount(cmd); err != nil {
		return "", err
	} else {
		args = append(args, "--account", account)
	}
	line, err := awsprofile.CommandLine(append(args, "--format", formatProcess)...)
	if err != nil {
		return "", &failure{code: exitFailed, err: err, hints: []string{"a path can be moved to a folder of plain letters; for such an account, use `" + p.program + " exec`"}}
	}
	return line, nil
}

// profileAccount is the account whose credentials a profile gives, also after another user
// has signed in.
func (p *profileInstaller) profileAccount(cmd *cobra.Command) (string, error) {
	if p.accountFlag != "" {
		return p.accountFlag, nil
	}
	client, err := p.client()
	if err != nil {
		return "", err
	}
	user, err := client.CurrentUser(cmd.Context())
	if err != nil {
		return "", &failure{err: err, hints: []string{"the profile names an account: sign in first, or name one with --account"}}
	}
	return user.Username, nil
}

// warnShadowed warns of keys in the AWS credentials file under the same name, which
// the AWS tools prefer.
func (p *profileInstaller) warnShadowed(name string) {
	if path, err := awsprofile.CredentialsFile(); err == nil && awsprofile.HasKeys(path, name) {
		p.err.Print("hint: " + path + " has keys of the same name, which the AWS tools prefer; remove them there")
	}
}
