package filestore_test

import (
	"os"
	"testing"
	"time"
)

// age makes files two minutes older, as if the test had waited so long.
func age(t testing.TB, paths ...string) {
	t.Helper()
	past := time.Now().Add(-2 * time.Minute)
	for _, path := range paths {
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
}

// checkNoTemporaries is the next start after a crash: what the crash left behind
// is gone after the first Save.
func checkNoTemporaries(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir)
	generation := load(t, s).Generation
	save(t, s, sized(generation+1), generation)
	if left := files(t, dir, ".tmp"); len(left) != 0 {
		t.Errorf("temporary files left after the next start: %v", left)
	}
}
