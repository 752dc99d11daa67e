package awsprofile

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
)

// winners are variables with credentials, or with the name of a place of credentials, that
// the AWS tools prefer to AWS_CONTAINER_CREDENTIALS_FULL_URI, or that belong to other
// credentials than those of the environment.
var winners = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_ACCOUNT_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
}

// Environment returns an environment in which the variables of set are where the AWS tools
// find credentials. It removes variables and the sources of the default profile that have
// priority over them: if the default profile has a source, AWS_CONFIG_FILE and
// AWS_SHARED_CREDENTIALS_FILE name copies without it in folder, which has to be a private
// folder. The copies have no keys of other profiles.
func Environment(environ []string, folder string, set map[string]string) ([]string, error) {
	result := slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		_, replaced := set[name]
		return replaced || slices.ContainsFunc(winners, func(w string) bool { return sameVariable(w, name) })
	})
	for _, name := range sortedNames(set) {
		result = append(result, name+"="+set[name])
	}
	copied, err := copyWithoutDefault(folder)
	if err != nil || copied == "" {
		return result, err
	}
	result = slices.DeleteFunc(result, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == configVariable || name == credentialsVariable
	})
	return append(result, configVariable+"="+copied, credentialsVariable+"="+os.DevNull), nil
}

// HasRegion reports whether the AWS tools find a region in an environment: in a variable, or in
// the default profile of the configuration file.
func HasRegion(environ []string) bool {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if value != "" && (sameVariable(name, "AWS_REGION") || sameVariable(name, "AWS_DEFAULT_REGION")) {
			return true
		}
	}
	path, err := ConfigFile()
	if err != nil {
		return false
	}
	config, err := read(path)
	if err != nil {
		return false
	}
	inDefault := false
	for line := range strings.Lines(config.text) {
		if section, ok := sectionOf(line); ok {
			inDefault = isDefault(section)
			continue
		}
		key, indented, setting := settingOf(line)
		_, value, _ := strings.Cut(line, "=")
		if inDefault && setting && !indented && key == "region" && strings.TrimSpace(value) != "" {
			return true
		}
	}
	return false
}

// isDefault reports whether a section of the configuration file is the default profile.
func isDefault(section string) bool {
	return section == "default" || strings.Trim(strings.TrimPrefix(section, "profile "), `"' `) == "default"
}

// copyWithoutDefault copies the configuration file without the sources of the default profile
// and without any keys. It returns no path if the default profile has no source.
func copyWithoutDefault(folder string) (string, error) {
	configPath, err := ConfigFile()
	if err != nil {
		return "", err
	}
	config, err := read(configPath)
	if err != nil {
		return "", err
	}
	text, found := withoutSources(config.text)
	keysPath, err := CredentialsFile()
	if err != nil {
		return "", err
	}
	if !found && !HasKeys(keysPath, "default") {
		return "", nil
	}
	path := filepath.Join(folder, "config")
	return path, atomicfile.Write(path, []byte(text))
}

// withoutSources removes the sources of the default profile, and keys everywhere. It reports
// whether the default profile had a source.
func withoutSources(text string) (rest string, found bool) {
	var kept strings.Builder
	inDefault, dropping := false, false
	for line := range strings.Lines(text) {
		if section, ok := sectionOf(line); ok {
			inDefault, dropping = isDefault(section), false
			kept.WriteString(line)
			continue
		}
		key, indented, setting := settingOf(line)
		if indented && dropping {
			continue
		}
		source := setting && !indented && slices.Contains(sources, key)
		dropping = source && (inDefault || strings.HasPrefix(key, "aws_"))
		found = found || source && inDefault
		if !dropping {
			kept.WriteString(line)
		}
	}
	return kept.String(), found
}

// sortedNames are the names of variables in order.
func sortedNames(set map[string]string) []string { return slices.Sorted(maps.Keys(set)) }

// sameVariable compares names of variables, whose case does not matter on Windows.
func sameVariable(a, b string) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}
