package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/internal/awsprofile"
	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// setCompletion adds the command completion, whose misuse is a usage error, and has shells
// propose files only where a command takes one.
func (a *app) setCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, command := range root.Commands() {
		a.completeCommand(command)
		if command.Name() != "completion" {
			continue
		}
		command.Short = "Print a script that completes commands in a shell"
		command.Args, command.RunE = a.parent, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		for _, shell := range command.Commands() {
			shell.Args = a.atMost(0)
		}
	}
	_ = root.MarkPersistentFlagFilename("config", "json", "js")
}

// flagWords are the values of flags that have a few words.
func flagWords(name, command string) []string {
	switch {
	case name == "format" && command == "status":
		return []string{formatText, formatEnv, formatJSON}
	case name == "format":
		return []string{formatProcess, formatEnv, formatJSON}
	case name == "log-level":
		return []string{"debug", "info", "warn", "error"}
	}
	return nil
}

// completeCommand sets what shells propose for the flags and arguments of a command.
func (a *app) completeCommand(command *cobra.Command) {
	for _, child := range command.Commands() {
		a.completeCommand(child)
	}
	complete := func(flag string, values cobra.CompletionFunc) {
		if command.Flags().Lookup(flag) != nil {
			_ = command.RegisterFlagCompletionFunc(flag, values)
		}
	}
	complete("account", func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return a.accountsWith(cmd, begun), cobra.ShellCompDirectiveNoFileComp
	})
	complete("install", completeProfiles)
	for _, flag := range []string{"format", "log-level"} {
		complete(flag, cobra.FixedCompletions(flagWords(flag, command.Name()), cobra.ShellCompDirectiveNoFileComp))
	}
	for _, flag := range []string{"data", "home"} {
		if command.Flags().Lookup(flag) != nil {
			_ = command.MarkFlagDirname(flag)
		}
	}
	switch {
	case command.Name() == "login":
		command.ValidArgsFunction = a.completeAccounts
	case command.Name() == "exec" || command.ValidArgsFunction != nil || len(command.ValidArgs) > 0:
	default:
		command.ValidArgsFunction = cobra.NoFileCompletions
	}
}

// completeAccounts proposes the usernames of the stored accounts as the only argument.
func (a *app) completeAccounts(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.accountsWith(cmd, begun), cobra.ShellCompDirectiveNoFileComp
}

// accountsWith lists the stored accounts whose names have a prefix. It uses no network.
func (a *app) accountsWith(cmd *cobra.Command, prefix string) []string {
	client, err := a.client()
	if err != nil {
		return nil
	}
	known, _ := client.Accounts(cmd.Context()) // those that can be read
	var names []string
	for _, user := range known {
		names = append(names, user.Username)
	}
	return proposals(names, prefix)
}

// completeProfiles proposes the profiles of the AWS configuration file.
func completeProfiles(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	path, err := awsprofile.ConfigFile()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return proposals(awsprofile.Names(path), begun), cobra.ShellCompDirectiveNoFileComp
}

// proposals are the words with a prefix that a shell can show: control characters would
// steer the terminal.
func proposals(words []string, prefix string) []string {
	return slices.DeleteFunc(words, func(word string) bool {
		return !strings.HasPrefix(word, prefix) || ui.Clean(word) != word
	})
}
