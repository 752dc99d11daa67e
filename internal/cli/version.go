package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/internal/version"
)

// build is the output of version --json.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source, where the build knows it
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show which version this is",
		Args:  a.atMost(0),
		RunE: func(*cobra.Command, []string) error {
			a.showVersion()
			return nil
		},
	}
}

func (a *app) showVersion() {
	b := build{version.Number, revision(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if a.json {
		a.writeJSON(b)
		return
	}
	text := "latchkey " + b.Version
	if b.Revision != "" {
		text += " (" + b.Revision + ")"
	}
	a.out.Print(text + " " + b.Go + " " + b.Platform)
}

// revision is the commit that the program was built from, with a mark if the
// tree had changes.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := settings["vcs.revision"]
	if len(commit) > 12 {
		commit = commit[:12]
	}
	if commit != "" && settings["vcs.modified"] == "true" {
		commit += "+changes"
	}
	return commit
}
