package authflow

import (
	"encoding/base64"
	"net/url"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/oauth2"

	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/strictbase64"
)

const (
	// Life is how long the person has at the sign-in pages. The service's code lives for
	// minutes; typing a password and a code takes some too.
	Life = 10 * time.Minute

	maxText = 64 << 10 // bytes of a flow as text
)

// Flow is one sign-in by redirect in progress.
type Flow struct {
	State, Nonce, Verifier       secret.String
	ClientID, Redirect, Provider string
	Custom                       secret.String // the program's own state
	Created                      time.Time
}

// New begins a flow of an app client that comes back to redirect.
func New(clientID, redirect string) Flow {
	return Flow{State: Random(), Nonce: Random(), Verifier: Random(), ClientID: clientID, Redirect: redirect, Created: time.Now()}
}

// Random is 32 random bytes in base64url: a state, a nonce, a verifier.
func Random() secret.String { return secret.New(oauth2.GenerateVerifier()) }

// Challenge is the PKCE challenge of a verifier, by S256.
func Challenge(verifier secret.String) string {
	return oauth2.S256ChallengeFromVerifier(verifier.Reveal())
}

// Query is the authorization request (RFC 6749, section 4.1.1).
func (f Flow) Query(scope string) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {f.ClientID}, "redirect_uri": {f.Redirect}, "scope": {scope},
		"state": {f.State.Reveal()}, "nonce": {f.Nonce.Reveal()},
		"code_challenge": {Challenge(f.Verifier)}, "code_challenge_method": {"S256"},
	}
}

// Expires is when the flow is over.
func (f Flow) Expires() time.Time { return f.Created.Add(Life) }

// Check refuses a flow that is empty, over, or another app client's.
func (f Flow) Check(clientID string) error {
	if f.State.IsZero() {
		return fault.New("", fault.Flow, "give the flow that AuthCodeURL returned")
	}
	if f.ClientID != clientID {
		return fault.New("", fault.Flow, "the flow belongs to another app client")
	}
	// The wall clock goes on while a machine sleeps, and the monotonic one is not set back.
	now := time.Now()
	age := max(now.Sub(f.Created), now.Round(0).Sub(f.Created.Round(0)))
	if age >= Life || age < -expiry.Slack {
		return fault.New("", fault.Flow, "the sign-in took longer than ten minutes; start it again")
	}
	return nil
}

// flowText is a flow as text.
type flowText struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	ClientID string    `json:"client_id"`
	Redirect string    `json:"redirect_uri"`
	Provider string    `json:"provider,omitzero"`
	Custom   []byte    `json:"custom_state,omitzero"` // any bytes, hence base64
	Created  time.Time `json:"created"`
}

// Text is the flow in the base64url alphabet, for [Parse]. It is empty for a flow whose
// names are not UTF-8.
func (f Flow) Text() string {
	raw, err := json.Marshal(flowText{
		f.State.Reveal(), f.Nonce.Reveal(), f.Verifier.Reveal(), f.ClientID, f.Redirect, f.Provider,
		[]byte(f.Custom.Reveal()), f.Created.UTC().Round(0),
	})
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Parse reads the text of a flow. Its error does not quote the text, which is secret.
func Parse(text string) (Flow, error) {
	bad := fault.New("", fault.Flow, "this is not the text of a flow; start the sign-in again")
	if len(text) > maxText {
		return Flow{}, bad
	}
	raw, err := strictbase64.DecodeURL(text)
	var t flowText
	if err != nil || json.Unmarshal(raw, &t) != nil || t.State == "" || t.Nonce == "" || t.Verifier == "" {
		return Flow{}, bad
	}
	return Flow{
		secret.New(t.State), secret.New(t.Nonce), secret.New(t.Verifier),
		t.ClientID, t.Redirect, t.Provider, secret.New(string(t.Custom)), t.Created,
	}, nil
}

// maxUsed bounds the flows that a Used remembers: more sign-ins than that in ten minutes,
// by one client, are left to the service, whose codes are good once too.
const maxUsed = 1 << 14

// Used remembers the flows that were used, until they are over anyway. The zero Used is
// ready, and safe for concurrent use.
type Used struct {
	mu    sync.Mutex
	flows map[string]time.Time // by state, until when they are remembered
}

// Claim notes that a flow is used, and reports whether it was not.
func (u *Used) Claim(f Flow) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	for state, end := range u.flows {
		if now.After(end) || len(u.flows) >= maxUsed {
			delete(u.flows, state)
		}
	}
	key := f.State.Reveal()
	if _, used := u.flows[key]; used {
		return false
	}
	if u.flows == nil {
		u.flows = make(map[string]time.Time)
	}
	u.flows[key] = now.Add(Life + expiry.Slack)
	return true
}
