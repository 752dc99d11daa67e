package awsprofile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEnvironment checks that nothing of the caller's environment has priority over what is
// set, and that the rest stays.
func TestEnvironment(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv(configVariable, "")
	t.Setenv(credentialsVariable, "")
	environ := []string{"PATH=/bin", "AWS_REGION=eu-west-1", "AWS_FULL_URI=old", "EMPTY="}
	for _, name := range winners {
		environ = append(environ, name+"=x")
	}
	got, err := Environment(environ, home, map[string]string{"AWS_FULL_URI": "new", "B": "1"})
	if want := []string{"PATH=/bin", "AWS_REGION=eu-west-1", "EMPTY=", "AWS_FULL_URI=new", "B=1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// TestEnvironmentWithoutDefault checks a default profile with a source, in each of the files.
func TestEnvironmentWithoutDefault(t *testing.T) {
	for name, test := range map[string]struct{ config, credentials, copied string }{
		"process": {
			"[default]\nregion = x\ncredential_process = /bin/keys\n  more\noutput = json\n[profile p]\nrole_arn = a\naws_access_key_id = K\naws_secret_access_key = S\n",
			"", "[default]\nregion = x\noutput = json\n[profile p]\nrole_arn = a\n",
		},
		"single sign-on": {"[profile default]\nsso_session = s\nregion = x\n", "", "[profile default]\nregion = x\n"},
		"keys":           {"[default]\nregion = x\n", "[default]\naws_access_key_id = K\n", "[default]\nregion = x\n"},
		"no source":      {"[default]\nregion = x\n[profile p]\ncredential_process = y\n", "[p]\naws_access_key_id = K\n", ""},
		"nothing":        {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			home, folder := t.TempDir(), t.TempDir()
			for variable, text := range map[string]string{configVariable: test.config, credentialsVariable: test.credentials} {
				path := filepath.Join(home, variable)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv(variable, path)
			}
			got, err := Environment(os.Environ(), folder, nil)
			if err != nil {
				t.Fatal(err)
			}
			config, credentials := valueOf(got, configVariable), valueOf(got, credentialsVariable)
			if test.copied == "" {
				if config != filepath.Join(home, configVariable) || credentials != filepath.Join(home, credentialsVariable) {
					t.Errorf("the files are %s and %s", config, credentials)
				}
				return
			}
			text, err := os.ReadFile(config)
			if err != nil || string(text) != test.copied || filepath.Dir(config) != folder || credentials != os.DevNull {
				t.Errorf("the files are %s and %s, %v:\n%s", config, credentials, err, text)
			}
		})
	}
}

// valueOf is the value of a variable, which must be there once.
func valueOf(environ []string, name string) string {
	var values []string
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			values = append(values, value)
		}
	}
	if len(values) != 1 {
		return strings.Join(values, " and ")
	}
	return values[0]
}

// TestHasRegion checks where a region is found.
func TestHasRegion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	t.Setenv(configVariable, path)
	for name, test := range map[string]struct {
		environ []string
		config  string
		want    bool
	}{
		"nowhere":         {nil, "", false},
		"variable":        {[]string{"AWS_REGION=x"}, "", true},
		"old variable":    {[]string{"AWS_DEFAULT_REGION=x"}, "", true},
		"empty variable":  {[]string{"AWS_REGION="}, "", false},
		"default profile": {nil, "[profile p]\nregion = y\n[default]\noutput = json\nregion = x\n", true},
		"empty":           {nil, "[default]\nregion =\n", false},
		"other profile":   {nil, "[default]\noutput = json\ns3 =\n  region = y\n[profile p]\nregion = x\n", false},
	} {
		if err := os.WriteFile(path, []byte(test.config), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := HasRegion(test.environ); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
