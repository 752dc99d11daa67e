package latchkey

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// pasteFunc shows a person an address and returns what he brings back.
type pasteFunc func(ctx context.Context, address string) (answer string, err error)

// LoopbackPort has [Client.SignInBrowser] listen on this port, for app clients whose
// callback URL is registered with a port. Without it, and without a port in the
// callback URL, the system chooses a free one.
func LoopbackPort(port int) RedirectOption {
	return RedirectOption{func(w *redirectWish) { w.port = port }}
}

// PasteAnswer is for programs on a machine without a browser, such as in a remote
// shell: [Client.SignInBrowser] neither listens nor opens anything, but has ask show
// the address to the person and return what he copies from his browser when it has
// come back, which is the whole address, or its query. ask is called again, twice,
// if it returns neither. Its context ends when the flow does.
func PasteAnswer(ask func(ctx context.Context, address string) (answer string, err error)) RedirectOption {
	return RedirectOption{func(w *redirectWish) { w.paste = ask }}
}

// SignInBrowser signs a user in who sits at this machine: it opens the sign-in pages
// in the browser (Config.OpenBrowser) and waits for it to come back to a listener on
// a loopback address, which takes one answer and is closed (RFC 8252 section 7.3).
// The answer goes through the checks of [Client.Exchange], and the session is as good
// as one from a password.
//
// The listener stands where Config.OAuth.RedirectSignIn, or [RedirectTo], says: the
// first URL there of the form http://127.0.0.1/callback or http://[::1]/callback, on
// a free port unless it names one, or http://localhost:PORT/callback.
//
// It returns when the user is signed in or has refused (ErrDenied), when ctx ends,
// after ten minutes at the latest (ErrFlow), or at once if no browser can be opened
// (ErrBrowser); other errors are those of [Client.Exchange].
func (c *Client) SignInBrowser(ctx context.Context, options ...RedirectOption) error {
	const op = "SignInBrowser"
	wish := wishOf(options)
	if c.isClosed() {
		return errClosed
	}
	uri, err := c.cfg.loopbackURI(op, wish.redirect)
	if err != nil {
		return err
	}
	if wish.paste != nil {
		wish.redirect = uri.String()
		return c.signInByPaste(ctx, op, wish)
	}
	listener, err := openLoopback(op, uri, wish.port)
	if err != nil {
		return err
	}
	defer listener.close()
	wish.redirect = listener.uri
	address, flow, err := c.authCodeURL(op, wish)
	if err != nil {
		return err
	}
	listener.serve(flow.state)
	query, err := c.visit(ctx, op, address, listener)
	if err != nil {
		return err
	}
	err = c.exchange(ctx, op, flow, query, true)
	listener.finish(err == nil || errors.Is(err, ErrStore))
	return err
}

var errFlowOver = errors.New("nobody came back from the sign-in pages within ten minutes")

func flowOver(op string) error {
	return &Error{Op: op, Kind: ErrFlow, Hint: "start the sign-in again", Err: errFlowOver}
}

// visit opens the sign-in pages and waits for their answer.
func (c *Client) visit(ctx context.Context, op, address string, l *loopback) (query string, err error) {
	bounded, cancel := context.WithTimeoutCause(ctx, flowLife, errFlowOver)
	defer cancel()
	opened := make(chan error, 1)
	go func() { opened <- c.openBrowser(ctx, op, address) }() // it may go on: to read the page, for one
	for {
		select {
		case query := <-l.arrived:
			return query, nil
		case err := <-opened:
			if err != nil {
				return "", err
			}
			opened = nil
		case err := <-l.failed:
			return "", &Error{Op: op, Kind: ErrFlow, Message: "the callback's listener has stopped", Hint: "start the sign-in again", Err: err}
		case <-bounded.Done():
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			return "", flowOver(op)
		}
	}
}

// pastes is how often a person is asked for the answer.
const pastes = 3

func (c *Client) signInByPaste(ctx context.Context, op string, wish redirectWish) error {
	address, flow, err := c.authCodeURL(op, wish)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, flowLife, errFlowOver)
	defer cancel()
	for try := 1; ; try++ {
		text, err := wish.paste(bounded, address)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case bounded.Err() != nil:
			return flowOver(op)
		case err != nil:
			return err
		}
		if _, err := readCallback(op, text); err != nil && try < pastes {
			continue // a slip of the hand
		}
		return c.exchange(ctx, op, flow, text, false)
	}
}

// browserTime bounds how long opening a browser may take at a sign-out.
const browserTime = 10 * time.Second

// openBrowser shows an address to the person at this machine.
func (c *Client) openBrowser(ctx context.Context, op, address string) error {
	open := c.cfg.OpenBrowser
	if open == nil {
		open = SystemBrowser
	}
	err := open(ctx, address)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &Error{Op: op, Kind: ErrBrowser, Hint: "set BROWSER or Config.OpenBrowser, or paste the answer (PasteAnswer)", Err: err}
}

// loopback is the listener that a browser comes back to, once.
type loopback struct {
	uri, host, path string
	listeners       []net.Listener
	server          *http.Server
	arrived         chan string // the answer's query
	failed          chan error
	outcome         chan bool // whether the user is signed in, for the page
	state           Secret
	taken           chan struct{} // holds one token: the answer's
}

// openLoopback listens for a callback URL; port is for one that has none.
func openLoopback(op string, uri *url.URL, port int) (*loopback, error) {
	if port < 0 || port > 65535 {
		return nil, fault(op, ErrInvalidParameter, "a port is a number from 1 to 65535")
	}
	text := uri.Port()
	if port != 0 || text == "" {
		text = strconv.Itoa(port)
	}
	l := &loopback{
		path: uri.EscapedPath(), arrived: make(chan string, 1), failed: make(chan error, 2),
		outcome: make(chan bool, 1), taken: make(chan struct{}, 1),
	}
	for i, address := range addresses(uri, text) {
		listener, err := net.Listen("tcp", address)
		if err != nil && i > 0 && !errors.Is(err, syscall.EADDRINUSE) {
			break // this machine has no IPv6
		}
		if err != nil { // the browser might come back to whoever has the port
			l.close()
			return nil, &Error{Op: op, Kind: ErrConfig, Message: "cannot listen on " + address, Hint: "close what uses the port, or choose another with LoopbackPort", Err: err}
		}
		l.listeners = append(l.listeners, listener)
	}
	_, bound, _ := net.SplitHostPort(l.listeners[0].Addr().String())
	l.host = net.JoinHostPort(uri.Hostname(), bound)
	here := *uri
	here.Host = l.host
	if l.uri = here.String(); l.path == "" {
		l.path = "/"
	}
	return l, nil
}

// serve answers until close.
func (l *loopback) serve(state Secret) {
	l.state = state
	l.server = &http.Server{
		Handler: l, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10, ErrorLog: silent,
	}
	for _, listener := range l.listeners {
		go func() {
			if err := l.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				l.failed <- err
			}
		}()
	}
}

// finish says how it went, and lets the page out.
func (l *loopback) finish(signedIn bool) {
	l.outcome <- signedIn
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.server.Shutdown(ctx) // close does what it could not
}

func (l *loopback) close() {
	if l.server != nil {
		_ = l.server.Close()
	}
	for _, listener := range l.listeners {
		_ = listener.Close()
	}
}
