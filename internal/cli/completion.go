package cli

import "github.com/spf13/cobra"

// completes has shells complete a flag with these words.
func completes(command *cobra.Command, flag string, words ...string) {
	// The flag exists, and it has no other function.
	_ = command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
