package userdirs

import (
	"os"
	"path/filepath"
	"strings"
)

// Expand replaces a leading "~" by the user's home folder, as a shell does for a path that
// is not in quotes. "~name" is left as it is.
func Expand(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, rest), nil
}
