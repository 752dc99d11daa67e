package userdirs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/userdirs"
)

func TestConfig(t *testing.T) {
	base, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(base, "latchkey", "amplify_outputs.json")
	for _, test := range []struct{ explicit, variable, path, origin string }{
		{"given.json", "named.json", "given.json", "the given path"},
		{"", "named.json", "named.json", userdirs.ConfigVariable},
		{"", "", own, "the user's configuration folder"},
	} {
		t.Setenv(userdirs.ConfigVariable, test.variable)
		path, origin, err := userdirs.Config(test.explicit)
		if path != test.path || origin != test.origin || err != nil {
			t.Errorf("Config(%q) with %q: %q by %s, %v", test.explicit, test.variable, path, origin, err)
		}
	}
}

func TestHome(t *testing.T) {
	base, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ explicit, variable, want string }{
		{"given", "named", filepath.Join(here, "given")},
		{"", "named", filepath.Join(here, "named")},
		{"", "", filepath.Join(base, "latchkey")},
	} {
		t.Setenv(userdirs.HomeVariable, test.variable)
		got, err := userdirs.Home(test.explicit)
		if got != test.want || err != nil {
			t.Errorf("Home(%q) with %q: %q, %v; want %q", test.explicit, test.variable, got, err, test.want)
		}
		if folder := userdirs.Sessions(got); filepath.Dir(folder) != got {
			t.Errorf("%s is not in %s", folder, got)
		}
		if file := userdirs.Services(got); filepath.Dir(file) != got {
			t.Errorf("%s is not in %s", file, got)
		}
	}
}

// TestExpand checks a leading "~", which no shell has replaced because it was in quotes.
func TestExpand(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	for path, want := range map[string]string{
		"~": home, "~/x": filepath.Join(home, "x"), "~/x/../y": filepath.Join(home, "y"),
		"": "", "x": "x", "~name/x": "~name/x", "x/~": "x/~", "/~": "/~",
	} {
		if got, err := userdirs.Expand(path); got != want || err != nil {
			t.Errorf("Expand(%q) = %q, %v; want %q", path, got, err, want)
		}
	}
	t.Setenv(userdirs.HomeVariable, "~/sessions")
	if got, err := userdirs.Home(""); got != filepath.Join(home, "sessions") || err != nil {
		t.Errorf("Home: %q, %v", got, err)
	}
	t.Setenv(userdirs.ConfigVariable, "~/a.json")
	if got, _, err := userdirs.Config(""); got != filepath.Join(home, "a.json") || err != nil {
		t.Errorf("Config: %q, %v", got, err)
	}
	if got, _, err := userdirs.Config("~/b.json"); got != filepath.Join(home, "b.json") || err != nil {
		t.Errorf("Config of a path: %q, %v", got, err)
	}
}
