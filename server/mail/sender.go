// Package mail sends a service's messages through an SMTP server.
//
// A [Sender] is a plug.Messenger. It puts a message into a bounded queue and returns at once,
// so that the time of a call does not reveal the state of the mail server or whether there was
// a message. One source may use a tenth of the queue. Four goroutines send the queue to the
// server over TLS. A message that the server refuses temporarily waits outside of them for its
// next try. Package github.com/wneessen/go-mail speaks SMTP.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"strconv"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// Encryption is how the connection to the mail server is protected.
type Encryption int

const (
	// StartTLS begins in the clear and refuses to go on without TLS (RFC 3207);
	// usually port 587.
	StartTLS Encryption = iota
	// ImplicitTLS begins with TLS (RFC 8314); usually port 465.
	ImplicitTLS
	// NoTLS is for a server on the loopback interface only.
	NoTLS
)

const (
	queueLength    = 1000
	sourceShare    = queueLength / 10 // of one source
	senders        = 4
	defaultTimeout = 15 * time.Second
)

// pauses are the times between tries at a server that refuses a message temporarily or does not
// answer. A code is valid for an hour or longer.
var pauses = []time.Duration{2 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute}

// Errors of [Sender.Send], besides plug.ErrMedium.
var (
	ErrQueueFull   = errors.New("mail: queue is full")
	ErrSourceShare = errors.New("mail: too many queued messages of one source")
	ErrClosed      = errors.New("mail: sender is closed")
	ErrAddress     = errors.New("mail: not an address that mail can be sent to")
)

// Config describes the mail server and the sender's address. Server and From are required.
type Config struct {
	Server     string // host:port
	From       string // such as "Example <no-reply@example.com>"
	Encryption Encryption
	// Username and Password authenticate to the server. An empty Username sends without
	// authentication.
	Username string
	Password plug.Secret
	// RootCAs are the authorities to trust; nil is the system's.
	RootCAs *x509.CertPool
	// Timeout bounds the conversation of one message; default 15 s.
	Timeout time.Duration
	// Logger logs each message that could not be sent, without its text.
	Logger *slog.Logger
}

// Sender sends mail. It is safe for concurrent use.
type Sender struct {
	config  Config
	options []gomail.Option
	host    string
	queue   chan letter
	life    context.Context // ends when messages that wait are given up
	cancel  context.CancelFunc
	stop    chan struct{} // ends the senders
	halt    func()        // closes stop
	empty   chan struct{} // closed when the Sender is closed and holds nothing
	work    sync.WaitGroup
	pauses  []time.Duration

	mu       sync.Mutex // guards what follows
	closed   bool
	held     int            // messages in the queue, on their way and between tries
	bySource map[string]int // of those, the ones of each source
}

// New checks a configuration and starts a Sender. It does not connect to the server. Call
// [Sender.Close] to stop the Sender.
func New(c Config) (*Sender, error) {
	host, port, err := net.SplitHostPort(c.Server)
	number, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || host == "" {
		return nil, fmt.Errorf("mail: Server %q is not host:port", c.Server)
	}
	if _, err := netmail.ParseAddress(c.From); err != nil {
		return nil, fmt.Errorf("mail: From %q is not an address: %w", c.From, err)
	}
	if ip := net.ParseIP(host); c.Encryption == NoTLS && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("mail: Encryption NoTLS is for the loopback interface only, and Server is %s: use StartTLS or ImplicitTLS", host)
	}
	switch {
	case c.Encryption < StartTLS || c.Encryption > NoTLS:
		return nil, fmt.Errorf("mail: Encryption %d is not one of the package's constants", c.Encryption)
	case c.Timeout < 0:
		return nil, fmt.Errorf("mail: Timeout %v is negative", c.Timeout)
	case c.Username == "" && !c.Password.IsZero():
		return nil, errors.New("mail: Password is set without Username")
	case c.Timeout == 0:
		c.Timeout = defaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Sender{
		config: c, host: host, options: options(c, host, number), queue: make(chan letter, queueLength),
		stop: make(chan struct{}), empty: make(chan struct{}), bySource: map[string]int{}, pauses: pauses,
	}
	s.halt = sync.OnceFunc(func() { close(s.stop) })
	s.life, s.cancel = context.WithCancel(context.Background())
	if c.Encryption != ImplicitTLS { // there go-mail's own dialer is needed
		s.options = append(s.options, gomail.WithDialContextFunc(s.dial))
	}
	if _, err := gomail.NewClient(host, s.options...); err != nil {
		s.cancel()
		return nil, fmt.Errorf("mail: %w", err)
	}
	for range senders {
		s.work.Go(s.run)
	}
	return s, nil
}

// options returns the options of go-mail for a configuration.
func options(c Config, host string, port int) []gomail.Option {
	all := []gomail.Option{
		gomail.WithPort(port), gomail.WithTimeout(c.Timeout), gomail.WithoutNoop(),
		gomail.WithTLSConfig(&tls.Config{ServerName: host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}),
	}
	switch c.Encryption {
	case ImplicitTLS:
		all = append(all, gomail.WithSSL())
	case NoTLS:
		all = append(all, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		all = append(all, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if c.Username != "" {
		all = append(all, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(c.Username), gomail.WithPassword(c.Password.Reveal()))
	}
	return all
}

// Send puts an e-mail into the queue. Its errors are plug.ErrMedium for a message that is not
// an e-mail, [ErrAddress], [ErrQueueFull], [ErrSourceShare] if the source has a tenth of the
// queue, and [ErrClosed].
func (s *Sender) Send(_ context.Context, m plug.Message) error {
	if m.Medium != plug.MediumEmail {
		return fmt.Errorf("%w: mail does not go by %s", plug.ErrMedium, m.Medium)
	}
	if _, err := s.compose(m); err != nil {
		return err
	}
	return s.accept(m)
}

// compose makes the e-mail. It refuses anything but a plain address, for example one with a line
// break, which would add a header.
func (s *Sender) compose(m plug.Message) (*gomail.Msg, error) {
	parsed, err := netmail.ParseAddress(m.Address)
	if err != nil || parsed.Address != m.Address {
		return nil, ErrAddress
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(s.config.From), msg.To(m.Address)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5
	kind := gomail.TypeTextPlain
	if m.HTML {
		kind = gomail.TypeTextHTML
	}
	msg.SetBodyString(kind, m.Text.Reveal())
	return msg, nil
}

func (s *Sender) converse(m plug.Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.life, s.config.Timeout)
	defer cancel()
	return client.DialAndSendWithContext(ctx, msg)
}

// dial connects, and closes the connection when the Sender gives up, since go-mail observes only
// deadlines during a conversation.
func (s *Sender) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &guarded{conn, context.AfterFunc(s.life, func() { _ = conn.Close() })}, nil
}

// guarded is a connection whose guard ends with it.
type guarded struct {
	net.Conn
	release func() bool
}

func (g *guarded) Close() error {
	g.release()
	return g.Conn.Close()
}

// temporary reports whether another try may succeed: not after a permanent refusal (a reply of
// 5yz, RFC 5321), and not with a server whose certificate is invalid.
func temporary(err error) bool {
	if refused, ok := errors.AsType[*gomail.SendError](err); ok {
		return refused.IsTemp()
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	_, network := errors.AsType[net.Error](err)
	return network
}

// Close refuses further messages and waits until the queue is sent or ctx ends. It returns an
// error if ctx ended first; the remaining messages are lost. With ImplicitTLS, Close may then
// wait for a conversation in progress, at most for Config.Timeout. A second call only waits.
func (s *Sender) Close(ctx context.Context) error {
	if err := s.wait(ctx, s.shut()); err != nil {
		return fmt.Errorf("mail: close with unsent messages: %w", err)
	}
	return nil
}
