package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/localservice"
	"github.com/latchkey-auth/latchkey/internal/sessionpage"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/server/metrics"
	"github.com/latchkey-auth/latchkey/server/storage/sqlite"
	"github.com/latchkey-auth/latchkey/server/stsbroker"
)

// upFlags are the flags of `latchkey up`.
type upFlags struct {
	listen, httpsListen, metricsListen string
	data, logLevel, sts                string
	credentialLife                     time.Duration
}

// upCommand is `latchkey up` with its flags.
type upCommand struct {
	*app
	flags upFlags
}

func (a *app) upCommand() *cobra.Command {
	c := &upCommand{app: a}
	command := &cobra.Command{
		Use:   "up",
		Short: "Start a local service with a ready user pool and a demo user",
		Long: `Starts the service on this machine: a user pool, an app client and a demo user,
kept in one folder. Started again on the same folder it comes back with the same
ids, users, keys and sessions, on other ports too. Ctrl-C stops it.

Open its http address in a browser: the page there signs you in and shows the
session, its tokens and what happens to them.

With --json it writes one JSON object on one line once it accepts connections,
passwords and keys included, and nothing else to standard output.`,
		Example: "  latchkey up\n  latchkey up --listen 127.0.0.1:0 --https-listen 127.0.0.1:0 --json",
		Args:    a.atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.catchSignals()
			return c.up(cmd)
		},
	}
	f := command.Flags()
	f.StringVar(&c.flags.listen, "listen", "127.0.0.1:9229", "`address` for http; port 0 takes a free one")
	f.StringVar(&c.flags.httpsListen, "https-listen", "127.0.0.1:9230", "`address` for https; port 0 takes a free one")
	f.StringVar(&c.flags.metricsListen, "metrics-listen", "", "`address` for Prometheus metrics, at /metrics (default off)")
	f.StringVar(&c.flags.data, "data", "", "`folder` to keep everything in (default $LATCHKEY_HOME/up, else up in your configuration folder)")
	f.StringVar(&c.flags.sts, "sts", "", "`URL` of an STS that makes the identity pool's credentials, such as MinIO's (default: made here, for sigv4auth)")
	f.DurationVar(&c.flags.credentialLife, "credential-life", time.Hour, "`time` that AWS credentials last, 1s to 12h; an STS gives no less than 15m")
	f.StringVar(&c.flags.logLevel, "log-level", "warn", "`level` of the log on standard error: debug, info, warn or error")
	return command
}

// check finds what is wrong with the flags and returns what to log.
func (f *upFlags) check() (level slog.Level, wrong string) {
	for _, flag := range []struct{ name, value string }{
		{"--listen", f.listen}, {"--https-listen", f.httpsListen}, {"--metrics-listen", f.metricsListen},
	} {
		if flag.value == "" && flag.name == "--metrics-listen" {
			continue
		}
		_, port, err := net.SplitHostPort(flag.value)
		if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || number > 65535 {
			return 0, fmt.Sprintf("%s must be HOST:PORT, such as 127.0.0.1:9229, and is %s", flag.name, quote(flag.value))
		}
	}
	if wrong := f.checkBroker(); wrong != "" {
		return 0, wrong
	}
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[strings.ToLower(f.logLevel)]
	if !ok {
		return 0, fmt.Sprintf("--log-level must be debug, info, warn or error, and is %s", quote(f.logLevel))
	}
	return level, ""
}

// localListener reports whether a listener at address takes connections to a
// loopback address.
func localListener(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip, _ := netip.ParseAddr(host)
	return err == nil && (host == "" || host == "localhost" || ip.Unmap().IsLoopback() || ip.IsUnspecified())
}

// checkBroker finds what is wrong with the flags about AWS credentials.
func (f *upFlags) checkBroker() (wrong string) {
	shortest := time.Second
	if f.sts != "" {
		shortest = stsbroker.MinLife
		if _, err := stsbroker.New(stsbroker.Config{Endpoint: f.sts}); err != nil {
			return "--sts: " + strings.TrimPrefix(err.Error(), "stsbroker: ")
		}
	}
	if f.credentialLife < shortest || f.credentialLife > stsbroker.MaxLife {
		return fmt.Sprintf("--credential-life must be between %v and %v, and is %v", shortest, stsbroker.MaxLife, f.credentialLife)
	}
	return ""
}

func (c *upCommand) up(cmd *cobra.Command) error {
	flags := c.flags
	level, wrong := flags.check()
	if wrong != "" {
		return c.misuse(cmd, wrong)
	}
	folder, err := c.dataFolder(flags.data)
	if err != nil {
		return err
	}
	options := localservice.Options{
		Dir: folder, Listen: flags.listen, HTTPSListen: flags.httpsListen, MetricsListen: flags.metricsListen,
		STS: flags.sts, CredentialLife: flags.credentialLife, ShareConfig: c.isDefault(folder),
		Logger: slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: level})),
	}
	options.Home = func(home localservice.HomeConfig) (localservice.Home, error) {
		return sessionPage(home, options.Logger)
	}
	options.Sent = c.tellSent
	if c.json && localListener(flags.listen) {
		options.Sent = nil // programs read the outbox
	}
	if home, err := c.home(); err == nil { // a user without a home needs --data and keeps no sessions
		options.Registry = userdirs.Services(home)
	}
	if flags.metricsListen != "" {
		recorder := metrics.New()
		options.Metrics, options.Observer = recorder, recorder
	}
	return c.serve(cmd.Context(), options)
}

// sessionPage makes the page at the service's root, which is a client like any other:
// it reads the configuration that was written for clients.
func sessionPage(home localservice.HomeConfig, logger *slog.Logger) (localservice.Home, error) {
	ready := home.Ready
	config, err := latchkey.LoadConfig(ready.ConfigFile)
	if err != nil {
		return nil, err
	}
	page := sessionpage.Config{
		Client: config, SecureOAuthBaseURL: ready.HTTPSEndpoint + "/" + ready.UserPoolID, Logger: logger,
		ShortClientID: home.ShortClientID, PasswordRules: home.PasswordRules,
	}
	if !ready.PasswordChanged {
		page.Username, page.Password = ready.Username, latchkey.NewSecret(ready.Password)
	}
	return sessionpage.New(page)
}

// serve runs the service until ctx ends, and tells where it is once it answers.
func (c *upCommand) serve(ctx context.Context, options localservice.Options) (err error) {
	service, err := localservice.Open(ctx, options)
	if err != nil {
		return c.upFailure(ctx, err, options.Dir)
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	running := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { running <- service.Run(ctx) }()
	c.announce(service.Ready(), options.Dir)
	if c.out.Failed() != nil {
		cancel() // nobody has learned where the service is
	}
	if err := <-running; err != nil {
		return fmt.Errorf("the service stopped: %w", err)
	}
	if c.err.Terminal() {
		c.err.Print("Stopped. Users and sessions stay in " + options.Dir)
	}
	return nil
}

// upFailure is one line on why the service did not start.
func (c *upCommand) upFailure(ctx context.Context, err error, folder string) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.Is(err, sqlite.ErrInUse):
		return &failure{code: exitFailed, err: err}
	}
	const another = "for another service choose another folder with --data"
	running, statusErr := localservice.Status(ctx, folder)
	if running.Endpoint == "" {
		return &failure{
			code: exitFailed, err: fmt.Errorf("another process uses the data folder %s (%w)", folder, statusErr),
			hints: []string{"stop it; " + another},
		}
	}
	status := c.program + " status"
	if !c.isDefault(folder) {
		status += " --data " + shellQuote(folder)
	}
	return &failure{
		code: exitFailed, err: fmt.Errorf("the service of the data folder %s already runs at %s", folder, running.Endpoint),
		hints: []string{"`" + status + "` shows its ids and keys; " + another},
	}
}
