package latchkey

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/authflow"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

const (
	maxCustomState = 16 << 10 // bytes of the program's own state
	maxOption      = 400      // bytes of any other option
)

// RedirectOption changes one sign-in by redirect.
type RedirectOption struct{ apply func(*redirectOptions) }

// redirectOptions are what the options ask for.
type redirectOptions struct {
	redirect, provider, hint, prompt, custom string

	paste pasteFunc
}

// RedirectTo names the URL that the browser comes back to, one of the app client's
// callback URLs. Without it AuthCodeURL takes the first of Config.OAuth's.
func RedirectTo(uri string) RedirectOption {
	return RedirectOption{func(o *redirectOptions) { o.redirect = uri }}
}

// ThroughProvider sends the person straight to an identity provider of the pool, by
// the name that the pool has for it ("Google", "COGNITO", or a name that its administrator
// chose; identity_provider). The names in Amplify's files, such as "GOOGLE", are accepted too.
func ThroughProvider(name string) RedirectOption {
	return RedirectOption{func(o *redirectOptions) { o.provider = name }}
}

// LoginHint puts a user name into the form of the sign-in page (login_hint).
func LoginHint(username string) RedirectOption {
	return RedirectOption{func(o *redirectOptions) { o.hint = username }}
}

// LoginPrompt says how to ask the person (OpenID Connect Core 1.0 section 3.1.2.1):
// "none", "login", "select_account" or "consent". With "none" the answer comes
// without any page, and is ErrSignedOut where the browser has no session.
func LoginPrompt(prompt string) RedirectOption {
	return RedirectOption{func(o *redirectOptions) { o.prompt = strings.ToLower(prompt) }}
}

// CustomState is any text, up to 16 KiB, that the program wants back with the
// answer, such as where the person was; see [RedirectFlow.CustomState]. It stays
// in the flow and is never sent.
func CustomState(text string) RedirectOption {
	return RedirectOption{func(o *redirectOptions) { o.custom = text }}
}

// RedirectFlow is one sign-in by redirect under way: what the program has to keep
// from [Client.AuthCodeURL] to [Client.Exchange], where only the browser that began
// it gets at it. It is good for ten minutes and for one answer. It prints nothing
// of what it holds.
type RedirectFlow struct{ flow authflow.Flow }

// CustomState is the text given with the option of that name.
func (f *RedirectFlow) CustomState() string { return f.flow.Custom.Reveal() }

// Provider is the name given to [ThroughProvider]; empty if there was none.
func (f *RedirectFlow) Provider() string { return f.flow.Provider }

// Expires is when the flow is over.
func (f *RedirectFlow) Expires() time.Time { return f.flow.Expires() }

// String says when the flow expires.
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

// Reveal returns the flow as text of the base64url alphabet, for [ParseRedirectFlow]:
// to keep in the session that a web program has with the browser, or in a cookie
// that is HttpOnly, Secure and SameSite=Lax. The text and the answer together are enough to
// sign in.
func (f *RedirectFlow) Reveal() string { return f.flow.Text() }

// ParseRedirectFlow is the inverse of [RedirectFlow.Reveal]. Text that is not a
// flow's is ErrFlow.
func ParseRedirectFlow(text string) (*RedirectFlow, error) {
	flow, err := authflow.Parse(text)
	if err != nil {
		return nil, asError("ParseRedirectFlow", err)
	}
	return &RedirectFlow{flow}, nil
}

// AuthCodeURL begins a sign-in in a browser: it returns the address to send the
// browser to, and the flow, which the program keeps for [Client.Exchange]. It uses
// the code grant with PKCE (RFC 7636, S256), state and nonce, also where the
// configuration's response type is "token", and always asks for the scope openid.
// It uses neither network nor store. Errors: ErrConfig, ErrInvalidParameter, ErrClosed.
func (c *Client) AuthCodeURL(options ...RedirectOption) (address string, flow *RedirectFlow, err error) {
	return c.authCodeURL("AuthCodeURL", redirectOptionsOf(options))
}

func redirectOptionsOf(options []RedirectOption) redirectOptions {
	var wanted redirectOptions
	for _, o := range options {
		if o.apply != nil {
			o.apply(&wanted)
		}
	}
	return wanted
}

func (c *Client) authCodeURL(op string, wanted redirectOptions) (string, *RedirectFlow, error) {
	if err := c.engine.Closed(); err != nil {
		return "", nil, asError(op, err)
	}
	base, err := c.cfg.pagesURL(op)
	if err != nil {
		return "", nil, err
	}
	redirect, err := c.cfg.redirectURI(op, wanted.redirect)
	if err != nil {
		return "", nil, err
	}
	if err := wanted.check(op); err != nil {
		return "", nil, err
	}
	flow := authflow.New(c.cfg.ClientID, redirect)
	flow.Provider, flow.Custom = wanted.provider, secret.New(wanted.custom)
	query := flow.Query(c.cfg.askedScope())
	for name, value := range map[string]string{
		"identity_provider": poolName(wanted.provider), "login_hint": wanted.hint, "prompt": wanted.prompt,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return base + "/oauth2/authorize?" + query.Encode(), &RedirectFlow{flow}, nil
}

// check bounds what the program gave.
func (o *redirectOptions) check(op string) error {
	if len(o.custom) > maxCustomState {
		return problem(op, ErrInvalidParameter, fmt.Sprintf("CustomState takes %d bytes at most; keep the rest yourself", maxCustomState))
	}
	for name, value := range map[string]string{"ThroughProvider": o.provider, "LoginHint": o.hint, "LoginPrompt": o.prompt} {
		if len(value) > maxOption || strings.ToValidUTF8(value, "") != value {
			return problem(op, ErrInvalidParameter, fmt.Sprintf("%s takes UTF-8 of %d bytes at most", name, maxOption))
		}
	}
	return nil
}

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
