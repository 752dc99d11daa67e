package federation

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/openid"
)

// Provider is another provider, as an administrator configured it.
type Provider struct {
	Name, Kind string
	Details    wire.Parameters // as [Complete] made them
	// Mapping gives the claim of each user attribute that has one.
	Mapping map[string]string
	// SharedRedirect is set for a provider from before each had its own redirect URI.
	SharedRedirect bool
}

// Attempt is one sign-in at a provider, from Begin to Finish.
type Attempt struct {
	Redirect string // our own address that the provider comes back to
	State    string
	Nonce    string
	Verifier string // of PKCE; its S256 challenge goes out
	// LoginHint, Prompt and MaxAge are the client's, handed on. MaxAge is a number of
	// seconds; empty is none.
	LoginHint string
	Prompt    []string
	MaxAge    string
}

// Party is a client of other providers. It is safe for concurrent use.
type Party struct {
	remotes *openid.Remotes
	log     *slog.Logger
	now     func() time.Time
}

// NewParty makes a Party. A nil log is none, a nil now is time.Now.
func NewParty(reach openid.Reach, log *slog.Logger, now func() time.Time) *Party {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	return &Party{remotes: openid.NewRemotes(reach, log, now), log: log, now: now}
}

// CheckURL reports whether a provider may be at an address.
func (p *Party) CheckURL(address string) error { return p.remotes.Reach().CheckURL(address) }

// Error is why nobody was signed in. Its text is for the client's error_description.
type Error struct {
	Description string
	// Temporary says that another attempt may succeed.
	Temporary bool
	cause     error
}

func (e *Error) Error() string { return "federation: " + e.Description }

// Unwrap gives what happened, for the log.
func (e *Error) Unwrap() error { return e.cause }

func refuse(cause error, description string) *Error {
	return &Error{Description: description, cause: cause}
}

func unavailable(cause error, description string) *Error {
	return &Error{Description: description, Temporary: true, cause: cause}
}

// endpoints are a provider's addresses, configured or discovered.
func (p *Party) endpoints(ctx context.Context, at Provider) (openid.Metadata, error) {
	m := configured(at)
	if profiles[at.Kind].openID && m.Authorization == "" {
		found, err := p.remotes.Metadata(ctx, m.Issuer)
		if err != nil {
			return m, unavailable(err, clean(at.Name)+" Error - its configuration cannot be read")
		}
		if m.UserInfo != "" {
			found.UserInfo = m.UserInfo
		}
		m = found
		// Better before the person signs in there than after.
		if len(m.SigningAlgs) > 0 && !slices.Contains(m.SigningAlgs, "RS256") {
			return m, refuse(nil, clean(at.Name)+" Error - it does not sign ID tokens with RS256")
		}
	}
	if m.Authorization == "" || m.Token == "" {
		return m, refuse(nil, clean(at.Name)+" Error - it has no authorization or token endpoint")
	}
	for _, address := range []string{m.Authorization, m.Token} {
		if err := p.CheckURL(address); err != nil {
			return m, refuse(err, clean(at.Name)+" Error - its address is not admitted")
		}
	}
	return m, nil
}

// Begin gives the address at which the person signs in (RFC 6749, section 4.1.1;
// RFC 7636, section 4.3). Its error is an *[Error].
func (p *Party) Begin(ctx context.Context, at Provider, a Attempt) (string, error) {
	m, err := p.endpoints(ctx, at)
	if err != nil {
		return "", err
	}
	to, err := url.Parse(m.Authorization)
	if err != nil {
		return "", refuse(err, clean(at.Name)+" Error - its address is malformed")
	}
	sum := sha256.Sum256([]byte(a.Verifier))
	query := to.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": at.Details[keyClientID], "redirect_uri": a.Redirect,
		"scope": profiles[at.Kind].scopes(at.Details), "state": a.State, "code_challenge_method": "S256",
		"code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]),
	} {
		query.Set(name, value)
	}
	if profiles[at.Kind].openID {
		query.Set("nonce", a.Nonce)
		if a.LoginHint != "" {
			query.Set("login_hint", a.LoginHint)
		}
		if again := handedOn(a.Prompt); again != "" {
			query.Set("prompt", again)
		}
		if a.MaxAge != "" {
			query.Set("max_age", a.MaxAge)
		}
	}
	if at.Kind == wire.ProviderApple && strings.TrimSpace(at.Details[keyScopes]) != "openid" {
		query.Set("response_mode", "form_post") // Apple demands it with name and email
	}
	to.RawQuery = query.Encode()
	return to.String(), nil
}

// handedOn are the prompts that make the person show who they are; none stays here.
func handedOn(prompts []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(prompts), func(p string) bool {
		return p != "login" && p != "select_account" && p != "consent"
	}), " ")
}
