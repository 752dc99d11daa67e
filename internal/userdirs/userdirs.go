// Package userdirs returns where a user's configuration and sessions are kept, so that
// the library and the command look in one place.
package userdirs

import (
	"os"
	"path/filepath"
)

// The environment variables that name other places.
const (
	ConfigVariable = "LATCHKEY_CONFIG" // a configuration file
	HomeVariable   = "LATCHKEY_HOME"   // the folder of everything else
)

// ConfigFile is the name of the configuration file.
const ConfigFile = "amplify_outputs.json"

// own is the name of this project's folder in the user's configuration folder.
const own = "latchkey"

// Config returns where the configuration file is, and what says so: explicit if it
// is given, else the file that LATCHKEY_CONFIG names, else the user's own. It does
// not check that the file exists. It fails if the user has no configuration folder.
func Config(explicit string) (path, origin string, err error) {
	if explicit != "" {
		path, err = Expand(explicit)
		return path, "the given path", err
	}
	if named := os.Getenv(ConfigVariable); named != "" {
		path, err = Expand(named)
		return path, ConfigVariable, err
	}
	path, err = OwnConfig()
	return path, "the user's configuration folder", err
}

// OwnConfig returns where the user's own configuration file is, which counts if no
// other is named.
func OwnConfig() (string, error) {
	base, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, own, ConfigFile), nil
}

// Home returns the folder that sessions and the local service's data are kept in, as
// an absolute path: explicit if it is given, else the one that LATCHKEY_HOME names,
// else the user's own. It fails if the user has no configuration folder.
func Home(explicit string) (string, error) {
	if explicit == "" {
		explicit = os.Getenv(HomeVariable)
	}
	if explicit != "" {
		path, err := Expand(explicit)
		if err != nil {
			return "", err
		}
		return filepath.Abs(path)
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, own), nil
}

// Sessions returns the folder of the stored sessions in a home.
func Sessions(home string) string { return filepath.Join(home, "sessions") }

// Services returns the file in a home that records the addresses of local services
// (package registry).
func Services(home string) string { return filepath.Join(home, "services.json") }
