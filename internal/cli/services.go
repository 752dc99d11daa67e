package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/registry"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
)

// formerEndpoints returns the other addresses of the local service that a configuration
// names. Only `latchkey up` records them: the configuration itself cannot. A record that
// cannot be read costs a warning on out.
func formerEndpoints(out *ui.Output, home string, config latchkey.Config) []string {
	endpoint := config.UserPoolEndpoint
	if config.UserPoolID == "" {
		endpoint = config.IdentityPoolEndpoint
	}
	if endpoint == "" {
		return nil // AWS
	}
	services, err := registry.Load(userdirs.Services(home))
	if err != nil {
		out.Print(out.Paint(ui.Yellow, "warning:") + " " + ui.Clean(err.Error()))
	}
	return services.Former(endpoint)
}

// adviseElsewhere says how to use the session that another service has. homeFlag is the
// flag that names the home.
func adviseElsewhere(homeFlag string, err error) []string {
	elsewhere, ok := errors.AsType[*fault.Elsewhere](err)
	if !ok {
		return nil
	}
	if file := configOf(homeFlag, elsewhere.Service); file != "" {
		return []string{"use the configuration of that service: --config " + shellQuote(file)}
	}
	return []string{"use the configuration of that service, which --config names"}
}

// configOf returns the configuration file of a local service; empty if there is none.
// The service is named by its origins, separated by a blank, or by its issuer.
func configOf(homeFlag, service string) string {
	home, err := userdirs.Home(homeFlag)
	if err != nil {
		return ""
	}
	services, err := registry.Load(userdirs.Services(home))
	address, _, _ := strings.Cut(service, " ")
	folder := services.Folder(address)
	if err != nil || folder == "" {
		return ""
	}
	file := filepath.Join(folder, userdirs.ConfigFile)
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}
