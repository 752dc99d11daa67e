package latchkey

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/latchkey-auth/latchkey/internal/authflow"
	"github.com/latchkey-auth/latchkey/internal/loopback"
)

// pasteFunc shows a person an address and returns what comes back.
type pasteFunc func(ctx context.Context, address string) (answer string, err error)

// PasteAnswer is for programs on a machine without a browser, such as in a remote
// shell: [Client.SignInBrowser] neither listens nor opens anything, but has ask show
// the address to the person and return what is copied from the browser when it has
// come back, which is the whole address, or its query. ask is called again, twice,
// if it returns neither. Its context ends when the flow does.
func PasteAnswer(ask func(ctx context.Context, address string) (answer string, err error)) RedirectOption {
	if ask == nil {
		ask = func(context.Context, string) (string, error) {
			return "", problem("SignInBrowser", ErrInvalidParameter, "give PasteAnswer a function that asks for the answer")
		}
	}
	return RedirectOption{func(o *redirectOptions) { o.paste = ask }}
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
// It returns when the user is signed in or has refused (ErrDenied), when ctx ends, at
// [Client.Close] (ErrClosed), after ten minutes at the latest (ErrFlow), or at once if no browser can be opened
// (ErrBrowser); other errors are those of [Client.Exchange].
func (c *Client) SignInBrowser(ctx context.Context, options ...RedirectOption) error {
	const op = "SignInBrowser"
	wanted := redirectOptionsOf(options)
	if err := c.engine.Closed(); err != nil {
		return asError(op, err)
	}
	uri, err := c.cfg.loopbackURI(op, wanted.redirect)
	if err != nil {
		return err
	}
	if wanted.paste != nil {
		wanted.redirect = uri.String()
		return c.signInByPaste(ctx, op, wanted)
	}
	listener, err := loopback.Listen(uri)
	if err != nil {
		return asError(op, err)
	}
	defer listener.Close()
	wanted.redirect = listener.URI
	address, flow, err := c.authCodeURL(op, wanted)
	if err != nil {
		return err
	}
	listener.Serve(flow.flow.State)
	query, err := c.visit(ctx, op, address, listener)
	if err != nil {
		return err
	}
	err = c.exchange(ctx, op, flow, query, true)
	listener.Finish(err == nil || errors.Is(err, ErrStore))
	return err
}

var errFlowOver = errors.New("nobody came back from the sign-in pages within ten minutes")

func flowOver(op string) error {
	return &Error{Op: op, Kind: ErrFlow, Hint: "start the sign-in again", Err: errFlowOver}
}

// visit opens the sign-in pages and waits for their answer.
func (c *Client) visit(ctx context.Context, op, address string, l *loopback.Listener) (query string, err error) {
	bounded, cancel := context.WithTimeoutCause(ctx, authflow.Life, errFlowOver)
	defer cancel()
	opened := make(chan error, 1)
	go func() { opened <- c.openGuarded(ctx, op, address) }() // it may go on: to read the page, for one
	for {
		select {
		case query := <-l.Arrived:
			return query, nil
		case err := <-opened:
			if err != nil {
				return "", err
			}
			opened = nil
		case err := <-l.Failed:
			return "", &Error{Op: op, Kind: ErrFlow, Message: "the callback's listener has stopped", Hint: "start the sign-in again", Err: err}
		case <-c.engine.Done():
			return "", asError(op, c.engine.Closed())
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

func (c *Client) signInByPaste(ctx context.Context, op string, wanted redirectOptions) error {
	address, flow, err := c.authCodeURL(op, wanted)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, authflow.Life, errFlowOver)
	defer cancel()
	for try := 1; ; try++ {
		text, err := wanted.paste(bounded, address)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case bounded.Err() != nil:
			return flowOver(op)
		case err != nil:
			return err
		}
		if _, err := authflow.ReadCallback(text); err != nil && try < pastes {
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
		open = loopback.Browse
	}
	err := open(ctx, address)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &Error{Op: op, Kind: ErrBrowser, Hint: "set BROWSER or Config.OpenBrowser, or paste the answer (PasteAnswer)", Err: err}
}

// openGuarded is openBrowser in a goroutine that no caller can recover in.
func (c *Client) openGuarded(ctx context.Context, op, address string) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			c.log.ErrorContext(ctx, "latchkey: recovered from a panic", "panic", fmt.Sprint(reason), "stack", string(debug.Stack()))
			err = &Error{Op: op, Kind: ErrBrowser, Message: "Config.OpenBrowser panicked", Hint: "see the log for the stack"}
		}
	}()
	return c.openBrowser(ctx, op, address)
}
