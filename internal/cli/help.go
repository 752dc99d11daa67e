package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// setHelp has --help and the command help refuse what is no command. Cobra shows the help
// of the command before it instead.
func (a *app) setHelp(root *cobra.Command) {
	show := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if rest := cmd.Flags().Args(); cmd.HasSubCommands() && len(rest) > 0 {
			a.helpMisuse = a.unknownCommand(cmd, rest[0])
			return
		}
		show(cmd, args)
	})
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			named, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return a.unknownCommand(named, rest[0])
			}
			named.InitDefaultHelpFlag() // which its help lists
			return named.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			parent, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, command := range parent.Commands() {
				if command.IsAvailableCommand() && strings.HasPrefix(command.Name(), begun) {
					names = append(names, cobra.CompletionWithDesc(command.Name(), command.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	})
}

// unknownCommand is the error of a word after cmd that is none of its commands.
func (a *app) unknownCommand(cmd *cobra.Command, word string) error {
	message := "unknown command " + quote(word)
	switch close := cmd.SuggestionsFor(word); {
	case len(close) > 0:
		message += " (did you mean " + strings.Join(close, " or ") + "?)"
	case cmd.HasParent():
		var names []string
		for _, command := range cmd.Commands() {
			if command.IsAvailableCommand() {
				names = append(names, command.Name())
			}
		}
		message += ": use " + strings.Join(names, " or ")
	}
	return a.misuse(cmd, message)
}

// parent is a check of the arguments of a command that has commands: what follows it is
// one of these, or nothing.
func (a *app) parent(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return a.unknownCommand(cmd, args[0])
	}
	return nil
}
