package localservice

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/origin"
	"github.com/latchkey-auth/latchkey/internal/registry"
)

// TestAddressesAreRecorded checks what starts of one folder leave in the registry: both
// listeners, and the ones before. A folder that is made anew has no former addresses.
func TestAddressesAreRecorded(t *testing.T) {
	home := t.TempDir()
	o := options(filepath.Join(home, "data"))
	o.Registry = filepath.Join(home, "services.json")
	first, stop := start(t, o)
	stop()
	second, stop := start(t, o)
	stop()
	known, err := registry.Load(o.Registry)
	want := []string{origin.Of(second.HTTPSEndpoint), origin.Of(first.HTTPSEndpoint), origin.Of(first.Endpoint)}
	if got := known.Former(second.Endpoint); err != nil || !slices.Equal(got, want) {
		t.Errorf("former addresses are %v, %v; want %v", got, err, want)
	}
	if folder, err := filepath.EvalSymlinks(o.Dir); err != nil || known.Folder(first.Endpoint) != folder {
		t.Errorf("the folder is %q, %v; want %q", known.Folder(first.Endpoint), err, folder)
	}
	must(t, os.RemoveAll(o.Dir))
	third, stop := start(t, o)
	stop()
	known, err = registry.Load(o.Registry)
	if got := known.Former(third.Endpoint); err != nil || !slices.Equal(got, []string{origin.Of(third.HTTPSEndpoint)}) {
		t.Errorf("former addresses of a new folder are %v, %v", got, err)
	}
}

// TestServiceWithoutRegistry checks that a registry that cannot be written costs a warning.
func TestServiceWithoutRegistry(t *testing.T) {
	home := t.TempDir()
	must(t, os.WriteFile(filepath.Join(home, "file"), nil, 0o600))
	for file, want := range map[string]string{"": "", filepath.Join(home, "file", "services.json"): "the addresses were not recorded"} {
		var log bytes.Buffer
		o := options(t.TempDir())
		o.Registry, o.Logger = file, slog.New(slog.NewTextHandler(&log, nil))
		_, stop := start(t, o)
		stop()
		if got := log.String(); !strings.Contains(got, want) || want == "" && strings.Contains(got, "recorded") {
			t.Errorf("registry %q: logged %q", file, got)
		}
	}
}
