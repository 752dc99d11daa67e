package cli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/internal/localservice"
	"github.com/latchkey-auth/latchkey/internal/registry"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
)

// dataFlag is --data of a command that concerns a service which was started before.
func dataFlag(command *cobra.Command, data *string) {
	command.Flags().StringVar(data, "data", "", "`folder` of the service (default that of the configuration, else as for up)")
}

// dataFolder is the folder of the service: the flag's, or the default.
func (c *commandLine) dataFolder(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	folder, err := c.home()
	return filepath.Join(folder, "up"), err
}

// isDefault reports whether folder, which need not exist, is the default data folder.
func (c *commandLine) isDefault(folder string) bool {
	standard, err := c.dataFolder("")
	if err != nil {
		return false
	}
	a, errA := os.Stat(folder)
	b, errB := os.Stat(standard)
	if errA == nil && errB == nil {
		return os.SameFile(a, b)
	}
	absolute, err := filepath.Abs(folder)
	return err == nil && absolute == filepath.Clean(standard)
}

// serviceFolder is the data folder of a service that was started before: that of --data,
// else that of the configuration which --config or LATCHKEY_CONFIG names, else the default.
func (c *commandLine) serviceFolder(cmd *cobra.Command, data string) (string, error) {
	if data != "" && c.configFlag != "" {
		return "", c.misuse(cmd, "--data and --config exclude each other")
	}
	if data != "" || c.configFlag == "" && os.Getenv(userdirs.ConfigVariable) == "" {
		return c.dataFolder(data)
	}
	config, err := c.config()
	if err != nil {
		return "", err
	}
	path, err := findConfig(c.configFlag)
	if err != nil {
		return "", c.noConfig(err)
	}
	if beside := filepath.Dir(path); localservice.Has(beside, config.UserPoolID) {
		return beside, nil
	}
	if folder := folderAt(c.homeFlag, config.UserPoolEndpoint); localservice.Has(folder, config.UserPoolID) {
		return folder, nil
	}
	return "", &failure{
		code: exitUsage, err: errors.New(path + " is not the configuration of a service that `latchkey up` has started on this machine"),
		hints: []string{"name the service's folder with --data"},
	}
}

// folderAt returns the data folder of the local service at an endpoint; empty if none is
// known.
func folderAt(homeFlag, endpoint string) string {
	home, err := userdirs.Home(homeFlag)
	if err != nil || endpoint == "" {
		return ""
	}
	services, _ := registry.Load(userdirs.Services(home)) // a damaged file has none
	return services.Folder(endpoint)
}
