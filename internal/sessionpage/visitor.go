package sessionpage

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/store"
)

// visitor is one browser.
type visitor struct {
	origin   string
	client   *latchkey.Client
	clientID string
	memory   *store.Memory
	stop     []func()
	signedIn atomic.Bool // as the events say, a moment later than the client

	// Guarded by the page's lock.
	key     string
	seen    time.Time
	streams int

	mu      sync.Mutex // guards what follows
	events  []latchkey.Event
	changed chan struct{} // closed at the next change
	flash   *message      // for the next page
	step    *latchkey.Step
	flow    *latchkey.RedirectFlow
	guest   bool // the person has asked for a guest's credentials
	over    bool // another visitor has this one's place
	asked   time.Time
}

// newVisitor makes a client that comes back to origin.
func (p *Page) newVisitor(origin string, secure, short bool) (*visitor, error) {
	v := &visitor{origin: origin, memory: store.NewMemory(), key: rand.Text(), changed: make(chan struct{})}
	config := p.cfg.Client
	if short {
		config.ClientID = p.cfg.ShortClientID
	}
	v.clientID = config.ClientID
	config.Store, config.Logger = v.memory, p.cfg.Logger
	if config.OAuth != nil {
		oauth := *config.OAuth
		oauth.RedirectSignIn, oauth.RedirectSignOut = []string{origin + "/callback"}, []string{origin + "/"}
		config.OAuth = &oauth
	}
	if secure && p.cfg.SecureOAuthBaseURL != "" {
		config.OAuthBaseURL = p.cfg.SecureOAuthBaseURL
	}
	var err error
	if v.client, err = latchkey.New(config); err != nil {
		return nil, err
	}
	quiet, err := v.client.Subscribe(v.note)
	if err != nil {
		return nil, err
	}
	rest, err := v.client.KeepFresh(context.Background())
	if err != nil {
		return nil, err
	}
	v.stop = []func(){quiet, rest}
	return v, nil
}

// end closes the client.
func (v *visitor) end() error {
	for _, stop := range v.stop {
		stop()
	}
	return v.client.Close()
}

// note takes an event of the client's.
func (v *visitor) note(e latchkey.Event) {
	switch e.Kind {
	case latchkey.EventSignedIn, latchkey.EventRestored:
		v.signedIn.Store(true)
	case latchkey.EventSignedOut, latchkey.EventSessionExpired:
		v.signedIn.Store(false)
	}
	v.change(func() {
		if len(v.events) == maxEvents {
			v.events = v.events[1:]
		}
		v.events = append(v.events, e)
	})
}

// in reports whether a user is signed in.
func (v *visitor) in(ctx context.Context) bool {
	_, err := v.client.CurrentUser(ctx)
	return err == nil
}

// change changes the visitor and wakes its streams.
func (v *visitor) change(do func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	do()
	close(v.changed)
	v.changed = make(chan struct{})
}

// news is closed when something changes from now on.
func (v *visitor) news() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// leave leaves a message for the next page.
func (v *visitor) leave(m *message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.flash = m
}

// collect takes it.
func (v *visitor) collect() *message {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := v.flash
	v.flash = nil
	return m
}

// mayAsk is true once in a while.
func (v *visitor) mayAsk() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.asked) < askAgain {
		return false
	}
	v.asked = time.Now()
	return true
}

// replaced reports whether another visitor has this one's place.
func (v *visitor) replaced() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.over
}
