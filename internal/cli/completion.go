package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// setCompletion adds the command completion, whose misuse is a usage error.
func (a *app) setCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, command := range root.Commands() {
		if command.Name() != "completion" {
			continue
		}
		command.Short = "Print a script that completes commands in a shell"
		command.Args, command.RunE = a.parent, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		for _, shell := range command.Commands() {
			shell.Args = a.atMost(0)
		}
	}
}

// completes has shells complete a flag with these words.
func completes(command *cobra.Command, flag string, words ...string) {
	// The flag exists, and has no other function.
	_ = command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// completeAccounts lists the usernames of the stored accounts. It uses no network.
func (a *app) completeAccounts(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	const plain = cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 {
		return nil, plain
	}
	client, err := a.client()
	if err != nil {
		return nil, plain
	}
	known, _ := client.Accounts(cmd.Context()) // those that can be read
	var names []string
	for _, user := range known {
		// Names with control characters would steer the shell's terminal.
		if strings.HasPrefix(user.Username, begun) && ui.Clean(user.Username) == user.Username {
			names = append(names, user.Username)
		}
	}
	return names, plain
}
