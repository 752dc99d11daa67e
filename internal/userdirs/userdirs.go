// Package userdirs says where a user's configuration and sessions are kept. The client
// library, the command and its shortcut ask here, so that all look in one place.
//
// The shortcut runs before most of the program is set up, see internal/shortcut; for
// its sake this package imports os alone.
package userdirs

import "os"

// The environment variables that name other places.
const (
	ConfigVariable = "LATCHKEY_CONFIG" // a configuration file
	HomeVariable   = "LATCHKEY_HOME"   // the folder of everything else
)

// ConfigFile is the name of the configuration file.
const ConfigFile = "amplify_outputs.json"

const separator = string(os.PathSeparator)

// own is the name of this project's folder in the user's configuration folder.
const own = "latchkey"

// Config returns where the configuration file is, and what says so: explicit if it
// is given, else the one that LATCHKEY_CONFIG names, else the user's own. It does
// not look whether there is one. It fails if the user has no configuration folder.
func Config(explicit string) (path, origin string, err error) {
	if explicit != "" {
		return explicit, "the given path", nil
	}
	if path := os.Getenv(ConfigVariable); path != "" {
		return path, ConfigVariable, nil
	}
	path, err = OwnConfig()
	return path, "the user's configuration folder", err
}

// OwnConfig returns where the user's own configuration file is, which counts where
// none is named.
func OwnConfig() (string, error) {
	base, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return base + separator + own + separator + ConfigFile, nil
}

// Home returns the folder that sessions and the local service's data are kept in, as
// it was named: explicit if it is given, else the one that LATCHKEY_HOME names, else
// the user's own. It fails if the user has no configuration folder.
func Home(explicit string) (string, error) {
	if explicit != "" {
		return explicit, nil
	}
	if folder := os.Getenv(HomeVariable); folder != "" {
		return folder, nil
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return base + separator + own, nil
}

// Sessions returns the folder of the stored sessions in a home.
func Sessions(home string) string { return home + separator + "sessions" }

// Notes returns the folder of the shortcut's notes in a home.
func Notes(home string) string { return home + separator + "shortcut" }
