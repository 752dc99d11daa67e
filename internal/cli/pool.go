package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/internal/localservice"
)

// rotatedKeys is what pool rotate-keys tells with --json.
type rotatedKeys struct {
	UserPoolID string `json:"user_pool_id"`
}

func (a *app) poolCommand() *cobra.Command {
	pool := &cobra.Command{
		Use:   "pool",
		Short: "Administer the user pool of a local service",
		Args:  a.parent,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var data string
	rotate := &cobra.Command{
		Use:   "rotate-keys",
		Short: "Replace the signing keys, without a refused token",
		Long: `Has the service that runs on a data folder publish new signing keys. They sign
after an hour, when every verifier has had the time to fetch them; the old ones
stay published for another day. Keys are replaced every 90 days without being asked.`,
		Example: "  latchkey pool rotate-keys",
		Args:    a.atMost(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.rotateKeys(cmd, data) },
	}
	dataFlag(rotate, &data)
	pool.AddCommand(rotate)
	return pool
}

func (a *app) rotateKeys(cmd *cobra.Command, data string) error {
	a.catchSignals()
	folder, err := a.serviceFolder(cmd, data)
	if err != nil {
		return err
	}
	pool, err := localservice.RotateKeys(cmd.Context(), folder)
	if errors.Is(err, localservice.ErrNotRunning) || errors.Is(err, localservice.ErrNeverStarted) {
		return a.notRunning(err, folder)
	}
	if err != nil {
		return err
	}
	if a.json {
		a.writeJSON(rotatedKeys{pool})
		return nil
	}
	a.out.Print("New signing keys of " + pool + " are published. They sign in about an hour.")
	return nil
}
