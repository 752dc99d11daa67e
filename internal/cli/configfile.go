package cli

import (
	"fmt"
	"os"

	"github.com/latchkey-auth/latchkey/internal/userdirs"
)

// findConfig returns the path of the configuration file: explicit if it is given, else
// the one that the environment variable LATCHKEY_CONFIG names, else
// latchkey/amplify_outputs.json in the user's configuration folder ([os.UserConfigDir]).
// It fails if the file does not exist or is a folder.
func findConfig(explicit string) (path string, err error) {
	path, origin, err := userdirs.Config(explicit)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder", path)
	}
	if err != nil {
		return "", fmt.Errorf("looked in %s: %w", origin, err)
	}
	return path, nil
}
