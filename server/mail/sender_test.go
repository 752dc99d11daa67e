package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey/server/plug"
)

func TestMain(m *testing.M) {
	pauses = []time.Duration{time.Millisecond, 2 * time.Millisecond}
	goleak.VerifyTestMain(m)
}

// postOffice is an SMTP server that keeps what it is given.
type postOffice struct {
	address string
	roots   *x509.CertPool

	mu       sync.Mutex
	letters  []string
	from, to []string
	busy     int    // how many more messages are answered with "later"
	greylist string // an address that is always answered so
	refuses  bool
	user     string // of the newest session that signed in
}

// session is one conversation.
type session struct {
	office *postOffice
	in     bool
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "latchkey" || password != "Correct-Horse-9" {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	if s.office.user != "" && !s.in {
		return smtp.ErrAuthRequired
	}
	s.office.from = append(s.office.from, from)
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	switch {
	case s.office.refuses:
		return &smtp.SMTPError{Code: 550, Message: "no such person"}
	case s.office.busy > 0 || to == s.office.greylist:
		s.office.busy--
		return &smtp.SMTPError{Code: 451, Message: "later"}
	}
	s.office.to = append(s.office.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.letters = append(s.office.letters, string(text))
	return err
}

// openOffice starts a server; wrap puts TLS on its listener for ImplicitTLS.
func openOffice(t *testing.T, e Encryption) *postOffice {
	t.Helper()
	office := &postOffice{}
	certificate, roots := certify(t)
	office.roots = roots
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{office: office}, nil }))
	server.Domain = "localhost"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	office.address = listener.Addr().String()
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	switch e {
	case StartTLS:
		server.TLSConfig = config
	case ImplicitTLS:
		listener = tls.NewListener(listener, config)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return office
}

// certify makes a certificate for loopback addresses.
func certify(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func newSender(t *testing.T, c Config) *Sender {
	t.Helper()
	if c.From == "" {
		c.From = "Example <no-reply@example.com>"
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func message() plug.Message {
	return plug.Message{
		PoolID: "us-east-1_Ab1Cd2Ef3", Medium: plug.MediumEmail, Address: "ann@example.com",
		Subject: "Ihr Code für heute", Text: plug.NewSecret("Your code is 123456"),
	}
}

// sent delivers a message and waits until the sender has nothing left to do.
func sent(t *testing.T, s *Sender, m plug.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := errors.Join(s.Send(ctx, m), s.Close(ctx)); err != nil {
		t.Fatal(err)
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	for name, encryption := range map[string]Encryption{"STARTTLS": StartTLS, "TLS": ImplicitTLS, "none": NoTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			office := openOffice(t, encryption)
			config := Config{Server: office.address, Encryption: encryption, RootCAs: office.roots}
			if encryption != NoTLS {
				office.user, config.Username, config.Password = "latchkey", "latchkey", plug.NewSecret("Correct-Horse-9")
			}
			sent(t, newSender(t, config), message())
			if len(office.letters) != 1 || office.from[0] != "no-reply@example.com" || office.to[0] != "ann@example.com" {
				t.Fatalf("%d letters, from %v, to %v", len(office.letters), office.from, office.to)
			}
			letter, err := netmail.ReadMessage(strings.NewReader(office.letters[0]))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(letter.Body)
			if err != nil || !strings.Contains(string(body), "Your code is 123456") {
				t.Errorf("body %q, %v", body, err)
			}
			if h := letter.Header; h.Get("Auto-Submitted") != "auto-generated" || h.Get("Message-ID") == "" || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") || h.Get("User-Agent") != "" {
				t.Errorf("header %v", h)
			}
		})
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	office := openOffice(t, NoTLS)
	m := message()
	m.HTML, m.Text = true, plug.NewSecret("<p>123456</p>")
	sent(t, newSender(t, Config{Server: office.address, Encryption: NoTLS}), m)
	if !strings.Contains(office.letters[0], "Content-Type: text/html") {
		t.Errorf("%s", office.letters[0])
	}
}

// TestTriesAgain: a server that says "later" gets the message later, once.
func TestTriesAgain(t *testing.T) {
	t.Parallel()
	office := openOffice(t, NoTLS)
	office.busy = 2
	sent(t, newSender(t, Config{Server: office.address, Encryption: NoTLS}), message())
	if len(office.letters) != 1 {
		t.Errorf("%d letters", len(office.letters))
	}
}

// TestFailures logs messages that are not sent. Neither the code nor the
// password stands in the log.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(o *postOffice, c *Config)
		says   string
	}{
		{"refused", func(o *postOffice, _ *Config) { o.refuses = true }, "no such person"},
		{"busy for too long", func(o *postOffice, _ *Config) { o.busy = 99 }, "later"},
		{"wrong password", func(o *postOffice, c *Config) { o.user, c.Password = "latchkey", plug.NewSecret("Wrong-Horse-1") }, "Authentication failed"},
		{"unknown authority", func(_ *postOffice, c *Config) { c.RootCAs = x509.NewCertPool() }, "certificate"},
		{"nobody there", func(_ *postOffice, c *Config) { c.Server = closed(t) }, "refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			office := openOffice(t, StartTLS)
			var log safeBuilder
			config := Config{
				Server: office.address, RootCAs: office.roots, Logger: slog.New(slog.NewTextHandler(&log, nil)),
				Username: "latchkey", Password: plug.NewSecret("Correct-Horse-9"),
			}
			test.change(office, &config)
			sent(t, newSender(t, config), message())
			text := log.String()
			if len(office.letters) != 0 || !strings.Contains(text, test.says) || !strings.Contains(text, "message not sent") {
				t.Errorf("%d letters; log: %s", len(office.letters), text)
			}
			if strings.Contains(text, "123456") || strings.Contains(text, "Horse") {
				t.Errorf("a secret stands in the log: %s", text)
			}
		})
	}
}

// closed is an address where nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

type safeBuilder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *safeBuilder) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuilder) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestDeliverRefuses(t *testing.T) {
	t.Parallel()
	s := newSender(t, Config{Server: closed(t), Encryption: NoTLS})
	sms := message()
	sms.Medium = plug.MediumSMS
	if err := s.Send(t.Context(), sms); !errors.Is(err, plug.ErrMedium) {
		t.Errorf("a text message: %v", err)
	}
	for _, address := range []string{"", "ann", "ann@example.com\r\nBcc: eve@example.com", "Ann <ann@example.com>", "a@b, c@d"} {
		m := message()
		m.Address = address
		if err := s.Send(t.Context(), m); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), message()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// newHangingSender makes a Sender whose mail server accepts connections and never answers.
func newHangingSender(t *testing.T) *Sender {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return newSender(t, Config{Server: listener.Addr().String(), Encryption: NoTLS, Timeout: time.Minute})
}

// TestQueueIsBounded: a mail server that hangs holds up nobody, and costs no more
// than the queue.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	s := newHangingSender(t)
	full := 0
	start := time.Now()
	for range queueLength + senders + 100 {
		if err := s.Send(t.Context(), message()); errors.Is(err, ErrQueueFull) {
			full++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if full < 100-senders || time.Since(start) > 30*time.Second {
		t.Errorf("%d refused after %v", full, time.Since(start))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close with mail waiting: %v", err)
	}
}

// TestOneSourceLeavesRoom: messages that one source causes fill a part of the queue,
// whatever the mail server does, and those of others and of administrators get in.
func TestOneSourceLeavesRoom(t *testing.T) {
	t.Parallel()
	s := newHangingSender(t)
	taken := 0
	m := message()
	m.Source = "192.0.2.1/32"
	for range queueLength {
		switch err := s.Send(t.Context(), m); {
		case err == nil:
			taken++
		case !errors.Is(err, ErrSourceShare):
			t.Fatal(err)
		}
	}
	if taken != sourceShare {
		t.Errorf("%d messages of one source were taken, want %d", taken, sourceShare)
	}
	for _, source := range []string{"192.0.2.2/32", ""} {
		m.Source = source
		if err := s.Send(t.Context(), m); err != nil {
			t.Errorf("source %q: %v", source, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = s.Close(ctx) // loses what waits
	if s.held != 0 || len(s.bySource) != 0 {
		t.Errorf("%d messages are held after Close, %v", s.held, s.bySource)
	}
}

// TestSourceGetsItsShareBack: what was sent makes room for more of the same source.
func TestSourceGetsItsShareBack(t *testing.T) {
	t.Parallel()
	office := openOffice(t, NoTLS)
	s := newSender(t, Config{Server: office.address, Encryption: NoTLS})
	m := message()
	m.Source = "192.0.2.1/32"
	for sent := 0; sent < 2*sourceShare; {
		switch err := s.Send(t.Context(), m); {
		case err == nil:
			sent++
		case !errors.Is(err, ErrSourceShare):
			t.Fatal(err)
		}
	}
	if err := s.Close(t.Context()); err != nil || len(office.letters) != 2*sourceShare {
		t.Errorf("%d letters, %v", len(office.letters), err)
	}
}

// TestRetriesHoldUpNoOther: messages that the server wants later wait outside of the
// senders, however many there are.
func TestRetriesHoldUpNoOther(t *testing.T) {
	t.Parallel()
	office := openOffice(t, NoTLS)
	office.greylist = "later@example.com"
	s := newSender(t, Config{Server: office.address, Encryption: NoTLS})
	s.pauses = []time.Duration{time.Hour}
	late := message()
	late.Address = office.greylist
	for range 3 * senders {
		if err := s.Send(t.Context(), late); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	for arrived := false; !arrived; time.Sleep(time.Millisecond) { // or the test times out
		office.mu.Lock()
		arrived = len(office.letters) == 1
		office.mu.Unlock()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close with mail waiting: %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{
		{Server: "mail.example.com", From: "a@b.c"},
		{Server: ":25", From: "a@b.c"},
		{Server: "mail.example.com:smtp", From: "a@b.c"},
		{Server: "mail.example.com:25", From: "nobody"},
		{Server: "mail.example.com:25", From: "a@b.c", Encryption: NoTLS},
		{Server: "192.0.2.1:25", From: "a@b.c", Encryption: NoTLS},
		{Server: "mail.example.com:0", From: "a@b.c"},
		{Server: "mail.example.com:-25", From: "a@b.c"},
		{Server: "mail.example.com:65536", From: "a@b.c"},
		{Server: "mail.example.com:25", From: "a@b.c\r\nBcc: d@e.f"},
		{Server: "mail.example.com:25", From: "a@b.c", Encryption: 3},
		{Server: "mail.example.com:25", From: "a@b.c", Encryption: -1},
		{Server: "mail.example.com:25", From: "a@b.c", Timeout: -1},
		{Server: "mail.example.com:25", From: "a@b.c", Password: plug.NewSecret("Correct-Horse-9")},
	} {
		if s, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
			_ = s.Close(t.Context())
		}
	}
}
