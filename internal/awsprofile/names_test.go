package awsprofile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	text := "[default]\nregion = a\n[profile work]\r\n[ profile\tnight ]\n[profile 'quoted']\n[profile a b]\n[sso-session s]\n[services x]\n[work2]\n[profile work]\n# [profile off]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"default", "work", "night", "quoted"}, Names(path)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Names(filepath.Join(t.TempDir(), "missing")); got != nil {
		t.Errorf("a missing file has %v", got)
	}
}
