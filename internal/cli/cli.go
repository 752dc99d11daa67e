package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey/internal/cli/ui"
)

// Streams are the three standard streams of a run.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs the command line args, whose first element is the program's name,
// and returns the exit code. SIGINT and SIGTERM end the command's work in order;
// a second signal ends the process.
func Main(args []string, streams Streams) (code int) {
	return run(context.Background(), args, streams)
}

func run(ctx context.Context, args []string, streams Streams) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &app{
		commandLine:  &commandLine{program: invocation(args[0])},
		console:      console{in: streams.In, out: ui.NewOutput(streams.Out), err: ui.NewOutput(streams.Err)},
		catchSignals: sync.OnceFunc(func() { catchSignals(cancel) }),
	}
	root := a.root()
	root.SetArgs(args[1:])
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = a.helpMisuse
	}
	if closing := a.close(); err == nil {
		err = closing
	}
	return a.report(err)
}

// catchSignals has the first SIGINT or SIGTERM cancel the run, and a second one
// end the process. It is for what takes time, such as a request, a prompt, or the service:
// a run that only reads a file is over sooner than the handler would be ready,
// and is a tenth slower with one.
func catchSignals(cancel context.CancelFunc) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-caught
		signal.Stop(caught)
		cancel()
	}()
}

// root builds the tree of commands. Building it does no work of theirs.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "latchkey",
		Short: "Stay signed in to Amazon Cognito, or to a service of your own",
		Long: `Latchkey keeps you signed in: it holds your session, keeps its tokens fresh and
hands them to whoever needs them. With "latchkey up" it is also the service that
you sign in to, compatible with Amazon Cognito, on your own machine.`,
		Example: "  latchkey up              # start a local service with a demo user\n" +
			"  latchkey login demo      # sign in, in another terminal\n" +
			"  curl -H \"Authorization: Bearer $(latchkey token)\" http://localhost:8080/",
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          a.bare,
	}
	root.PersistentFlags().StringVar(&a.configFlag, "config", "", "configuration `file` (default $LATCHKEY_CONFIG, then your configuration folder)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "write data as one line of JSON")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return a.misuse(cmd, err.Error()) })
	root.AddGroup(&cobra.Group{ID: groupService, Title: "The service:"},
		&cobra.Group{ID: groupSession, Title: "Your session:"},
		&cobra.Group{ID: groupToken, Title: "Tokens and credentials:"})
	for group, commands := range map[string][]*cobra.Command{
		groupService: {a.upCommand(), a.statusCommand(), a.poolCommand()},
		groupSession: {a.loginCommand(), a.logoutCommand(), a.whoamiCommand(), a.sessionCommand(), a.accountsCommand()},
		groupToken:   {a.tokenCommand(), a.credentialsCommand(), a.execCommand(), a.decodeCommand(), a.verifyCommand()},
	} {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	root.AddCommand(a.versionCommand())
	root.Flags().BoolP("version", "v", false, "show which version this is")
	a.setHelp(root)
	a.setCompletion(root)
	root.SuggestionsMinimumDistance = 2
	root.SetUsageTemplate(usage)
	return root
}

// usage is the form of --help; cobra parses it when it is asked for.
const usage = `Usage:{{if and .Runnable .HasParent}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}{{$commands := .Commands}}{{range $group := .Groups}}

{{.Title}}{{range $commands}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}{{end}}

{{if .HasParent}}Commands:{{else}}Also:{{end}}{{range $commands}}{{if and (eq .GroupID "") .IsAvailableCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Global flags:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" tells more about a command.{{end}}
`

const (
	groupService = "service"
	groupSession = "session"
	groupToken   = "token"
)

// bare answers a command line that names no command: with the help if it is
// empty, else with what was probably meant.
func (a *app) bare(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return a.unknownCommand(cmd, args[0])
	}
	if version, err := cmd.Flags().GetBool("version"); err == nil && version {
		a.showVersion()
		return nil
	}
	return cmd.Help()
}

// misuse is the error of a command line that cannot be understood.
func (c *commandLine) misuse(cmd *cobra.Command, message string) error {
	help := c.program + strings.TrimPrefix(cmd.CommandPath(), "latchkey") + " --help"
	return &failure{code: exitUsage, err: errors.New(message + "; see `" + help + "`")}
}

// atMost is a check of the number of arguments, in words.
func (c *commandLine) atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return c.misuse(cmd, "unexpected argument "+quote(args[n]))
	}
}
