package latchkey

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/oauth2"

	"github.com/latchkey-auth/latchkey/internal/strictbase64"
)

// Bounds of a sign-in by redirect.
const (
	// flowLife is how long the person has at the sign-in pages. The service's code
	// lives for minutes; typing a password and a code takes some too.
	flowLife = 10 * time.Minute
	maxFlow  = 64 << 10 // bytes of a flow as text
	maxCarry = 16 << 10 // bytes of the program's own state
)

// RedirectOption changes one sign-in by redirect.
type RedirectOption struct{ set func(*redirectWish) }

// redirectWish is what the options ask for.
type redirectWish struct {
	redirect, provider, hint, prompt, carry string

	port  int
	paste pasteFunc
}

// RedirectTo names the URL that the browser comes back to, one of the app client's
// callback URLs. Without it AuthCodeURL takes the first of Config.OAuth's.
func RedirectTo(uri string) RedirectOption {
	return RedirectOption{func(w *redirectWish) { w.redirect = uri }}
}

// ThroughProvider sends the person straight to an identity provider of the pool, by
// the name that the pool has for it ("Google", "COGNITO", or a name of one's own;
// identity_provider). The names of Amplify's files, such as "GOOGLE", are taken too.
func ThroughProvider(name string) RedirectOption {
	return RedirectOption{func(w *redirectWish) { w.provider = name }}
}

// LoginHint puts a user name into the form of the sign-in page (login_hint).
func LoginHint(username string) RedirectOption {
	return RedirectOption{func(w *redirectWish) { w.hint = username }}
}

// Prompt says how to ask the person (OpenID Connect Core 1.0 section 3.1.2.1):
// "none", "login", "select_account" or "consent". With "none" the answer comes
// without any page, and is ErrSignedOut where the browser has no session.
func Prompt(prompt string) RedirectOption {
	return RedirectOption{func(w *redirectWish) { w.prompt = strings.ToLower(prompt) }}
}

// CustomState is any text, up to 16 KiB, that the program wants back with the
// answer, such as where the person was; see [RedirectFlow.CustomState]. It stays
// in the flow and is never sent.
func CustomState(text string) RedirectOption {
	return RedirectOption{func(w *redirectWish) { w.carry = text }}
}

// RedirectFlow is one sign-in by redirect under way: what the program has to keep
// from [Client.AuthCodeURL] to [Client.Exchange], where only the browser that began
// it gets at it. It is good for ten minutes and for one answer. It prints nothing
// of what it holds.
type RedirectFlow struct {
	state, nonce, verifier       Secret
	clientID, redirect, provider string
	carry                        Secret
	created                      time.Time
}

// CustomState is the text given with the option of that name.
func (f *RedirectFlow) CustomState() string { return f.carry.Reveal() }

// Provider is the name given to [ThroughProvider]; empty if there was none.
func (f *RedirectFlow) Provider() string { return f.provider }

// Expires is when the flow is over.
func (f *RedirectFlow) Expires() time.Time { return f.created.Add(flowLife) }

// String tells when the flow is over.
func (f *RedirectFlow) String() string {
	if f == nil {
		return "no sign-in by redirect"
	}
	return fmt.Sprintf("sign-in by redirect until %s", f.Expires().UTC().Format(time.RFC3339))
}

// GoString is String, so that %#v shows no more.
func (f *RedirectFlow) GoString() string { return f.String() }

// LogValue is String for log/slog.
func (f *RedirectFlow) LogValue() slog.Value { return slog.StringValue(f.String()) }

// flowText is a flow as text.
type flowText struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	ClientID string    `json:"client_id"`
	Redirect string    `json:"redirect_uri"`
	Provider string    `json:"provider,omitzero"`
	Carry    []byte    `json:"custom_state,omitzero"` // any bytes, hence base64
	Created  time.Time `json:"created"`
}

// Reveal returns the flow as text of the base64url alphabet, for [ParseRedirectFlow]:
// to keep in the session that a web program has with the browser, or in a cookie
// that is HttpOnly, Secure and SameSite=Lax. Whoever has it and the answer can sign
// in with them.
func (f *RedirectFlow) Reveal() string {
	text := flowText{
		f.state.Reveal(), f.nonce.Reveal(), f.verifier.Reveal(), f.clientID, f.redirect, f.provider,
		[]byte(f.carry.Reveal()), f.created.UTC().Round(0),
	}
	raw, err := json.Marshal(text)
	if err != nil { // the names in it are not UTF-8, which AuthCodeURL refuses
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParseRedirectFlow is the inverse of [RedirectFlow.Reveal]. Text that is not a
// flow's is ErrFlow.
func ParseRedirectFlow(text string) (*RedirectFlow, error) {
	bad := fault("ParseRedirectFlow", ErrFlow, "this is not the text of a flow; start the sign-in again")
	if len(text) > maxFlow {
		return nil, bad
	}
	raw, err := strictbase64.DecodeURL(text)
	var t flowText
	if err != nil || json.Unmarshal(raw, &t) != nil || t.State == "" || t.Nonce == "" || t.Verifier == "" {
		return nil, bad // its cause may quote what is secret
	}
	return &RedirectFlow{
		NewSecret(t.State), NewSecret(t.Nonce), NewSecret(t.Verifier),
		t.ClientID, t.Redirect, t.Provider, NewSecret(string(t.Carry)), t.Created,
	}, nil
}

// AuthCodeURL begins a sign-in in a browser: it returns the address to send the
// browser to, and the flow, which the program keeps for [Client.Exchange]. It uses
// the code grant with PKCE (RFC 7636, S256), state and nonce, also where the
// configuration's response type is "token", and always asks for the scope openid.
// It uses neither network nor store. Errors: ErrConfig, ErrInvalidParameter.
func (c *Client) AuthCodeURL(options ...RedirectOption) (address string, flow *RedirectFlow, err error) {
	return c.authCodeURL("AuthCodeURL", wishOf(options))
}

func wishOf(options []RedirectOption) redirectWish {
	var wish redirectWish
	for _, o := range options {
		if o.set != nil {
			o.set(&wish)
		}
	}
	return wish
}

func (c *Client) authCodeURL(op string, wish redirectWish) (string, *RedirectFlow, error) {
	base, err := c.cfg.pagesURL(op)
	if err != nil {
		return "", nil, err
	}
	redirect, err := c.cfg.redirectURI(op, wish.redirect)
	if err != nil {
		return "", nil, err
	}
	if err := wish.check(op); err != nil {
		return "", nil, err
	}
	flow := &RedirectFlow{
		state: unguessable(), nonce: unguessable(), verifier: unguessable(),
		clientID: c.cfg.ClientID, redirect: redirect, provider: wish.provider, carry: NewSecret(wish.carry), created: time.Now(),
	}
	query := url.Values{
		"response_type": {"code"}, "client_id": {flow.clientID}, "redirect_uri": {redirect}, "scope": {c.cfg.askedScope()},
		"state": {flow.state.Reveal()}, "nonce": {flow.nonce.Reveal()},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(flow.verifier.Reveal())}, "code_challenge_method": {"S256"},
	}
	for name, value := range map[string]string{
		"identity_provider": poolName(wish.provider), "login_hint": wish.hint, "prompt": wish.prompt,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return base + "/oauth2/authorize?" + query.Encode(), flow, nil
}

// check bounds what the program gave.
func (w *redirectWish) check(op string) error {
	if len(w.carry) > maxCarry {
		return fault(op, ErrInvalidParameter, fmt.Sprintf("CustomState takes %d bytes at most; keep the rest yourself", maxCarry))
	}
	for name, value := range map[string]string{"ThroughProvider": w.provider, "LoginHint": w.hint, "Prompt": w.prompt} {
		if len(value) > maxText || strings.ToValidUTF8(value, "") != value {
			return fault(op, ErrInvalidParameter, fmt.Sprintf("%s takes UTF-8 of %d bytes at most", name, maxText))
		}
	}
	return nil
}

// unguessable is 32 random bytes in base64url: a state, a nonce, a verifier.
func unguessable() Secret { return NewSecret(oauth2.GenerateVerifier()) }

// poolName is the pool's name of a provider for the one that Amplify's files have.
func poolName(provider string) string {
	switch provider {
	case "GOOGLE":
		return "Google"
	case "FACEBOOK":
		return "Facebook"
	case "LOGIN_WITH_AMAZON":
		return "LoginWithAmazon"
	case "SIGN_IN_WITH_APPLE":
		return "SignInWithApple"
	}
	return provider
}

// askedScope is the scope of the authorization request: without openid there would
// be no ID token, and nothing to verify.
func (c Config) askedScope() string {
	var scopes []string
	if c.OAuth != nil {
		scopes = c.OAuth.Scopes
	}
	if !slices.Contains(scopes, "openid") {
		scopes = append([]string{"openid"}, scopes...)
	}
	return strings.Join(scopes, " ")
}
