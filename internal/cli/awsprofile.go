package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
)

// maxAWSConfig bounds the AWS configuration file, in bytes.
const maxAWSConfig = 1 << 20

// profileInstaller writes profiles for the AWS tools.
type profileInstaller struct{ *credentialsCommand }

// install writes a profile whose credentials come from this program into the
// AWS configuration file, and leaves everything else in it as it is.
func (p *profileInstaller) install(cmd *cobra.Command) error {
	name := p.profile
	if name == "" || strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || strings.ContainsRune("[]#;\"'\x7f", r) }) {
		return p.misuse(cmd, "a profile cannot be called "+quote(name))
	}
	config, err := p.config()
	if err != nil {
		return err
	}
	if config.IdentityPoolID == "" {
		return &failure{code: exitFailed, err: latchkey.ErrNoIdentityPool, hints: []string{"add identity_pool_id to the configuration's auth"}}
	}
	command, err := p.processCommand()
	if err != nil {
		return err
	}
	path, err := awsConfigFile()
	if err != nil {
		return err
	}
	old, mode, err := readAWSConfig(path)
	if err != nil {
		return err
	}
	text, err := withProfile(string(old), profile{name: name, command: command, region: config.Region(), force: p.force})
	if err != nil {
		return &failure{code: exitFailed, err: fmt.Errorf("%s: %w", path, err), hints: []string{"choose another name, or replace it with --force"}}
	}
	if err := writeAWSConfig(path, text, mode); err != nil {
		return err
	}
	p.warnShadowed(name)
	if p.json {
		p.writeJSON(map[string]string{"profile": name, "file": path, "credential_process": command})
		return nil
	}
	p.out.Print("Wrote the profile " + name + " to " + path + ".")
	p.err.Print("hint: try `aws sts get-caller-identity --profile " + shellQuote(name) + "`")
	return nil
}

// processCommand is the command line of credential_process. The AWS CLI splits it as
// a shell would and runs it without one, other tools hand it to a shell: double
// quotes mean the same to all, and what they do not is refused.
func (p *profileInstaller) processCommand() (string, error) {
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
	}
	for i, arg := range args {
		if args[i], err = quoteForProcess(arg); err != nil {
			return "", err
		}
	}
	return strings.Join(args, " "), nil
}

// quoteForProcess quotes what has a space. In an INI file a "#" or ";" after a space
// begins a comment.
func quoteForProcess(arg string) (string, error) {
	special := "\"'$`\r\n\x00"
	if runtime.GOOS != "windows" {
		special += "\\"
	}
	if strings.ContainsAny(arg, special) || strings.Contains(arg, " #") || strings.Contains(arg, " ;") {
		return "", &failure{code: exitFailed, err: fmt.Errorf("the path %s has characters that credential_process cannot have", quote(arg)),
			hints: []string{"move it to a path of plain letters"}}
	}
	if strings.ContainsAny(arg, " \t&()*;<>?[]{}|~#!%") {
		return `"` + arg + `"`, nil
	}
	return arg, nil
}

// awsConfigFile is where the AWS tools look for profiles.
func awsConfigFile() (string, error) {
	path := os.Getenv("AWS_CONFIG_FILE")
	if path == "" {
		folder, err := os.UserHomeDir()
		if err != nil {
			return "", &failure{code: exitFailed, err: err, hints: []string{"set AWS_CONFIG_FILE"}}
		}
		path = filepath.Join(folder, ".aws", "config")
	}
	// Behind a link is the file that is meant; the link stays.
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Abs(path)
}

func readAWSConfig(path string) ([]byte, fs.FileMode, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, atomicfile.Mode, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read the AWS configuration: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("read the AWS configuration: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxAWSConfig+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("read the AWS configuration: %w", err)
	case len(data) > maxAWSConfig:
		return nil, 0, fmt.Errorf("the AWS configuration %s has more than %d bytes", path, maxAWSConfig)
	}
	return data, info.Mode().Perm(), nil
}

// writeAWSConfig replaces the file whole, and gives it the mode it had.
func writeAWSConfig(path, text string, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write the AWS configuration: %w", err)
	}
	if err := atomicfile.Write(path, []byte(text)); err != nil {
		return fmt.Errorf("write the AWS configuration: %w", err)
	}
	if mode == atomicfile.Mode {
		return nil
	}
	return os.Chmod(path, mode)
}

// warnShadowed tells of keys in the AWS credentials file under the same name, which
// the AWS tools prefer.
func (p *profileInstaller) warnShadowed(name string) {
	path := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if path == "" {
		folder, err := os.UserHomeDir()
		if err != nil {
			return
		}
		path = filepath.Join(folder, ".aws", "credentials")
	}
	data, _, err := readAWSConfig(path)
	if err != nil {
		return // it is not ours to complain about
	}
	for line := range strings.Lines(string(data)) {
		if section, ok := sectionOf(line); ok && section == name {
			p.err.Print("hint: " + path + " has keys of the same name, which the AWS tools prefer; remove them there")
			return
		}
	}
}
