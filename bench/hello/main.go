// Command hello is the smallest useful cobra program: the reference for the
// start-up of the command.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	command := &cobra.Command{Use: "hello", RunE: func(c *cobra.Command, _ []string) error {
		_, err := fmt.Fprintln(c.OutOrStdout(), "hello")
		return err
	}}
	if command.Execute() != nil {
		os.Exit(1)
	}
}
