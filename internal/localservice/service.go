package localservice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/internal/localca"
	"github.com/latchkey-auth/latchkey/internal/localonly"
	"github.com/latchkey-auth/latchkey/internal/outbox"
	"github.com/latchkey-auth/latchkey/internal/registry"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage/sqlite"
)

// keyLife is how old a signing key gets before it is replaced.
const keyLife = 90 * 24 * time.Hour

// Options says where a local service lives and listens.
type Options struct {
	Dir string // the data folder; made if it is not there
	// Listen and HTTPSListen are host:port; port 0 takes a free one.
	Listen, HTTPSListen string
	// MetricsListen serves Metrics if it is not empty.
	MetricsListen string
	// STS makes the identity pool's credentials, where it is not empty: the address
	// of a server that speaks AssumeRoleWithWebIdentity (package stsbroker).
	STS string
	// CredentialLife is how long credentials are asked to last; 0 is an hour.
	CredentialLife time.Duration
	Metrics        http.Handler
	Observer       server.Observer
	// Sent is told of each message that the outbox keeps; it must not block.
	Sent func(outbox.Entry)
	// Registry is the file in which the addresses of the folder are recorded (package
	// registry); empty for none.
	Registry string
	// ShareConfig makes the configuration that of the user, which the command finds by
	// itself, unless another service that runs has it.
	ShareConfig bool
	// Home makes what a browser on this machine finds at GET /, GET /callback and
	// below /session/, once the service is ready; nil for nothing.
	Home   func(HomeConfig) (Home, error)
	Logger *slog.Logger
}

// Ready is what a client needs to know of a service that accepts connections.
// Its JSON form is the line of `latchkey up --json`.
type Ready struct {
	Endpoint        string `json:"endpoint"`
	HTTPSEndpoint   string `json:"https_endpoint"`
	CAFile          string `json:"ca_file"`
	Region          string `json:"region"`
	UserPoolID      string `json:"user_pool_id"`
	ClientID        string `json:"client_id"`
	IdentityPoolID  string `json:"identity_pool_id"`
	Username        string `json:"username"`
	Password        string `json:"password"` // empty if PasswordChanged
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	ConfigFile      string `json:"config_file"`
	// CredentialKeyFile is the key with which APIs verify the identity pool's
	// credentials (package sigv4auth). It is always credentials.key in the folder.
	CredentialKeyFile string `json:"-"`
	// InsecureHTTP means that the http listener accepts connections from the network,
	// and that the configuration permits clients to use them.
	InsecureHTTP    bool   `json:"-"`
	MetricsEndpoint string `json:"metrics_endpoint,omitempty"`
	// PasswordChanged means that the demo user cannot sign in with the password of
	// the first start any more.
	PasswordChanged bool `json:"password_changed,omitempty"`
}

// Service is a local service that listens already and answers once it runs.
type Service struct {
	ready     Ready
	options   Options
	state     state
	used      bool   // the database has been in use before this start
	changed   bool   // the demo user's password is not the first one any more
	shortID   string // of provisionShort
	store     *sqlite.Store
	server    *server.Server
	outbox    *outbox.Outbox
	authority *localca.Authority
	web       net.Listener
	secure    net.Listener // TLS is put on it by Run
	metrics   net.Listener
}

// Open prepares the folder, opens the database and the listeners, and makes
// the pool, the app client, the demo user and the identity pool if they are not there. Call
// [Service.Close] in the end.
func Open(ctx context.Context, o Options) (*Service, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{options: o}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Service) open(ctx context.Context) (err error) {
	dir, err := prepareDir(s.options.Dir)
	if err != nil {
		return err
	}
	s.options.Dir = dir
	if err := checkFiles(dir); err != nil {
		return err
	}
	// The database comes before the listeners, so that a second service on one folder
	// learns of the first, and not that its addresses are taken.
	if err := s.openStore(ctx); err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return err
	}
	if s.state, err = loadState(dir, s.used); err != nil {
		return err
	}
	if s.authority, err = localca.Ensure(filepath.Join(dir, "tls"), hosts(s.options.HTTPSListen), time.Now()); err != nil {
		return fmt.Errorf("prepare the local certificate authority: %w", err)
	}
	if from, future := s.authority.NotYetValid(); future {
		s.options.Logger.Warn("the clock is before the local certificate authority's first day: clients refuse https until then; set the clock, or remove the folder for a new authority",
			"valid_from", from, "folder", filepath.Join(dir, "tls"))
	}
	if err := s.openServer(ctx); err != nil {
		return err
	}
	if err := s.provision(ctx); err != nil {
		return fmt.Errorf("prepare the pools: %w", err)
	}
	works, err := s.server.HasPassword(ctx, s.state.UserPoolID, s.state.Username, plug.NewSecret(s.state.Password))
	if err != nil {
		return fmt.Errorf("check the demo user: %w", err)
	}
	s.changed = !works
	s.recordAddresses(ctx)
	return s.writeConfig(ctx)
}

// recordAddresses records where the folder is served now, before clients learn of it. The
// service also works without the record.
func (s *Service) recordAddresses(ctx context.Context) {
	if s.options.Registry == "" {
		return
	}
	start := registry.Start{Folder: s.options.Dir, Addresses: []string{url("http", s.web), url("https", s.secure)}, New: !s.used}
	if err := registry.Record(ctx, s.options.Logger, s.options.Registry, start); err != nil {
		s.options.Logger.Warn("the addresses were not recorded: if they change, users of the command sign in again", "error", err)
	}
}

// prepareDir makes the data folder and gives its absolute path.
func prepareDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = atomicfile.CheckFolder(dir)
	}
	if err == nil {
		err = probe(dir)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return "", fmt.Errorf("the data folder %s is not writable; choose another with --data", dir)
	}
	if err != nil {
		return "", fmt.Errorf("the data folder %s cannot be used: %w; choose another with --data", dir, err)
	}
	return dir, nil
}

// probe writes a file to see whether the folder takes one.
func probe(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func (s *Service) listen() (err error) {
	if s.web, err = listen(s.options.Listen, "--listen"); err != nil {
		return err
	}
	if s.secure, err = listen(s.options.HTTPSListen, "--https-listen"); err != nil {
		return err
	}
	if s.options.MetricsListen != "" {
		s.metrics, err = listen(s.options.MetricsListen, "--metrics-listen")
	}
	return err
}

func listen(address, flag string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another program; stop it or choose another address with %s", address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another address with %s", address, err, flag)
	}
	return listener, nil
}

// openServer opens the service, now that the addresses are known.
func (s *Service) openServer(ctx context.Context) error {
	sealing, err := s.openSealingKey(ctx)
	if err != nil {
		return err
	}
	broker, err := s.broker(ctx)
	if err != nil {
		return err
	}
	s.outbox = outbox.New(s.options.Sent)
	s.server, err = server.New(server.Config{
		Messenger: s.outbox,
		Broker:    broker, CredentialLife: s.options.CredentialLife, Providers: plug.Providers{AllowLoopback: true},
		Storage: s.store, SealingKeys: []server.SealingKey{sealing}, KeyLife: keyLife, PublicURL: url("http", s.web), Region: Region,
		AdminKeys: []server.AdminKey{{ID: s.state.AccessKeyID, Secret: plug.NewSecret(s.state.SecretAccessKey)}},
		Observer:  s.options.Observer, Logger: s.options.Logger,
	})
	return err
}

// url is how a client on this machine reaches a listener.
func url(scheme string, l net.Listener) string {
	address := l.Addr().(*net.TCPAddr)
	host := address.IP
	if host.IsUnspecified() {
		host = net.IPv4(127, 0, 0, 1)
	}
	return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host.String(), fmt.Sprint(address.Port)))
}

// hosts are the names beyond loopback that the certificate is for.
func hosts(address string) []string {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || host == "" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		return nil
	}
	return []string{host}
}

// Ready describes the service.
func (s *Service) Ready() Ready { return s.ready }

// HomeConfig is what a Home is made for.
type HomeConfig struct {
	Ready
	// ShortClientID is an app client whose tokens last a few minutes; empty for none.
	ShortClientID string
	// PasswordRules are the user pool's rules for passwords of now, in words.
	PasswordRules func(context.Context) []string
}

// Home is the page at the service's root. Close is called when the service is to
// stop, and ends answers that have no end of their own.
type Home interface {
	http.Handler
	io.Closer
}

// Run answers until ctx ends and requests that are running have finished.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	front, err := s.front(ctx, group)
	if err != nil {
		return err
	}
	group.Go(func() error {
		return s.server.ServeBehind(ctx, front, s.web, tls.NewListener(s.secure, s.authority.TLSConfig()))
	})
	if s.metrics != nil {
		group.Go(func() error { return s.server.ServeHandler(ctx, s.options.Metrics, s.metrics) })
	}
	return group.Wait()
}

// front puts the pages for people on this machine before the server. Other
// requests for the session page's paths are the server's to answer.
func (s *Service) front(ctx context.Context, group *errgroup.Group) (http.Handler, error) {
	front := http.NewServeMux()
	front.Handle("/", s.server)
	front.Handle("/outbox", s.outbox)
	if s.options.Home == nil {
		return front, nil
	}
	home, err := s.options.Home(HomeConfig{Ready: s.ready, ShortClientID: s.shortID, PasswordRules: s.passwordRules})
	if err != nil {
		return nil, fmt.Errorf("prepare the session page: %w", err)
	}
	group.Go(func() error {
		<-ctx.Done()
		return home.Close()
	})
	for _, path := range []string{"GET /{$}", "GET /callback", "/session/"} {
		front.Handle(path, localonly.Guard(home, s.server))
	}
	return front, nil
}

// Close lets go of database and listeners.
func (s *Service) Close() error {
	var errs []error
	for _, listener := range []net.Listener{s.web, s.secure, s.metrics} {
		if listener != nil {
			if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if s.server != nil {
		errs = append(errs, s.server.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
