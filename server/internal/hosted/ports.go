package hosted

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// Accounts are the account flows, as the API has them: [wire] shapes in, shapes or
// a *[wire.Exception] out. Requests were validated; a client secret's hash is
// theirs to add.
type Accounts interface {
	SignUp(context.Context, *wire.SignUpRequest) (*wire.SignUpResponse, error)
	ConfirmSignUp(context.Context, *wire.ConfirmSignUpRequest) (*wire.ConfirmSignUpResponse, error)
	ResendConfirmationCode(context.Context, *wire.ResendConfirmationCodeRequest) (*wire.ResendConfirmationCodeResponse, error)
	ForgotPassword(context.Context, *wire.ForgotPasswordRequest) (*wire.ForgotPasswordResponse, error)
	ConfirmForgotPassword(context.Context, *wire.ConfirmForgotPasswordRequest) (*wire.ConfirmForgotPasswordResponse, error)
}

// Door judges passwords. What is wrong comes back as the *[wire.Exception] that
// the API would answer with, so that a page tells no more than the API does.
type Door interface {
	Password(ctx context.Context, request *Request, username string, password wire.Sensitive) (Step, error)
	NewPassword(ctx context.Context, request *Request, answer NewPassword) (Step, error)
}

// Flow is what the pages are a part of: an authorization request with an end.
type Flow interface {
	// Read checks the query of a page. A *[Refusal] says what is wrong with it;
	// any other error is the service's own trouble.
	Read(ctx context.Context, pool string, query url.Values) (*Request, error)
	// Finish signs the browser in and sends it back to the client. It writes the
	// answer to a POST, whatever becomes of it.
	Finish(w http.ResponseWriter, r *http.Request, request *Request, who Proven)
	// SignOut ends the session that the browser has with a pool.
	SignOut(w http.ResponseWriter, r *http.Request, pool string) error
}

// Proven is whom a [Door] let in, as [Flow] needs to know it. The pages pass it on
// and do not look inside.
type Proven any

// Step is where a password leads. Who is nil while a new password is needed.
type Step struct {
	Who Proven
	// Session, Username and Missing are of a NEW_PASSWORD_REQUIRED challenge: its
	// session, its user's name, and the attributes that have to be given as well.
	Session  wire.Sensitive
	Username string
	Missing  []string
}

// NewPassword answers such a step.
type NewPassword struct {
	Session    wire.Sensitive
	Username   string
	Password   wire.Sensitive
	Attributes map[string]string // by name, without a prefix
}

// Request is an authorization request that may be shown to people.
type Request struct {
	ClientID   string
	ClientName string // what people know the client by
	// RedirectURI is the registered address that Finish goes to. Only its origin,
	// or its scheme, gets into a page's policy.
	RedirectURI string
	LoginHint   string
	// Passwords says that COGNITO is among the client's providers.
	Passwords bool
	Providers []Provider
	SignUp    bool // people may sign up
	Names     Names
	// Ask are the attributes that a sign-up asks for, in this order.
	Ask   []string
	Rules Rules
	// Flow is the Flow's own.
	Flow any
}

// Provider is a way to sign in elsewhere.
type Provider struct {
	Name  string // identity_provider
	Label string // for people; Name if empty
	// Social says that stylesheets name its button apart from those of others.
	Social bool
}

// Names say what users sign in with.
type Names struct {
	// Email and Phone are the pool's UsernameAttributes: with one of them there are
	// no user names to choose.
	Email, Phone bool
	// EmailAlias and PhoneAlias are its AliasAttributes.
	EmailAlias, PhoneAlias bool
}

// Rules are the pool's password policy, for people to read beforehand.
type Rules struct {
	MinimumLength                  int // characters
	Upper, Lower, Numbers, Symbols bool
}

// Refusal says why an authorization request is not served.
type Refusal struct {
	Code string // an OAuth error, such as "redirect_mismatch"
	// Location is where the browser is sent with it: the redirect URI that the
	// client registered, with the error in it. Empty shows the error page.
	Location string
}

func (r *Refusal) Error() string { return "authorization request refused: " + r.Code }

// Place is where a pool's pages stand.
type Place struct {
	Pool string // the pool's id
	Base string // the path before "/login"; empty on a host of the pool's own
}

type placeKey struct{}

// At says in a request's context where the pages that answer it stand.
func At(ctx context.Context, p Place) context.Context { return context.WithValue(ctx, placeKey{}, p) }

// plainBase is a base that may stand in a page's addresses. A path that was sent
// may hold anything once it is decoded, even another host's name after two slashes.
var plainBase = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:/[A-Za-z0-9_-]+)*$`) })

// placeOf gives the place of a request; ok is false for one whose base no pool has.
func placeOf(ctx context.Context) (p Place, ok bool) {
	p, _ = ctx.Value(placeKey{}).(Place)
	if !plainBase().MatchString(p.Base) {
		return Place{}, false
	}
	return p, true
}
