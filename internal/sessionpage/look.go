package sessionpage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/jwt"
)

// The two layouts of the page.
const (
	layoutIn  = "in"
	layoutOut = "out"
)

// view is what the client knows, as the template shows it.
type view struct {
	chrome
	Layout  string
	Now     time.Time
	Zone    *time.Location // of all times
	Message *message
	Ended   *message // why the session is over, unless the person ended it
	Events  []told
	AWS     awsView

	// Of the layout "out".
	Demo     string // the user that the button signs in
	Pages    bool   // there are sign-in pages
	Choice   bool   // there is a client with short-lived tokens
	Question *question

	Short bool // the tokens are short-lived

	// Of the layout "in".
	PoolID, ClientID      string
	Name, Username, Email string
	UserID, How           string
	Since                 time.Time
	ID, Access            *tokenView
	Refreshable           bool
	Trouble               *message // with the tokens
}

// Initial stands for the person's picture.
func (v *view) Initial() string {
	for _, r := range v.Name {
		return strings.ToUpper(string(r))
	}
	return "?"
}

// tokenView is a token without what makes it one.
type tokenView struct {
	Title, What     string
	Life            *life
	Header, Payload []claim
}

// awsView is what the identity pool gave.
type awsView struct {
	Guest    bool // no user is signed in
	Offer    bool // a guest may be fetched
	Identity string
	KeyID    string // masked
	Role     string // that the ID token asks for
	Life     *life
	Trouble  *message
}

// life is the time from when something came until it expires, on this machine's clock.
type life struct {
	What        string
	From, Until time.Time
}

// Left is what is left of a life, in words.
func (v *view) Left(l life) string {
	left := l.Until.Sub(v.Now)
	switch {
	case v.Now.IsZero():
		return ""
	case left <= 0:
		return "expired " + ago(-left)
	}
	return span(left) + " left"
}

// lifeScale is what a full bar counts.
const lifeScale = 1000

// Value is what is left of a life, of lifeScale.
func (v *view) Value(l life) int64 {
	whole, left := l.Until.Sub(l.From), l.Until.Sub(v.Now)
	if v.Now.IsZero() || whole <= 0 || left <= 0 {
		return 0
	}
	return min(lifeScale, int64(left)*lifeScale/int64(whole))
}

// State is over, low or good, for the bar's color.
func (v *view) State(l life) string {
	switch {
	case v.Now.IsZero():
		return ""
	case !l.Until.After(v.Now):
		return "over"
	case v.Value(l) < lifeScale/10:
		return "low"
	}
	return "good"
}

// Clock is a time of day in the page's zone.
func (v *view) Clock(t time.Time) string { return t.In(v.Zone).Format(clockLayout) }

// ZoneName is the page's zone, with its distance from UTC where that is not zero.
func (v *view) ZoneName() string {
	now := v.Now.In(v.Zone)
	if _, offset := now.Zone(); offset == 0 {
		return "UTC"
	}
	return now.Format("MST (UTC-07:00)")
}

// Problem is the message about an input.
func (v *view) Problem(field string) *message {
	if v.Message != nil && v.Message.Field == field && v.Layout == layoutOut && v.has(field) {
		return v.Message
	}
	return nil
}

// Banner is the message that is about no input of the page.
func (v *view) Banner() *message {
	switch {
	case v.Message == nil:
		return v.Ended
	case v.Message.Field != "" && v.Problem(v.Message.Field) != nil:
		return nil
	}
	return v.Message
}

// has reports whether the page shows an input.
func (v *view) has(name string) bool {
	if v.Question == nil {
		return name == "username" || name == "password"
	}
	return slices.ContainsFunc(v.Question.Fields, func(f field) bool { return f.Name == name })
}

// Typed is what was typed into an input of the question, to put there again.
func (v *view) Typed(field string) string {
	if v.Message == nil {
		return ""
	}
	return v.Message.Typed[field]
}

// look asks the client for everything. Signed out it asks the identity pool only if
// the person did.
func (p *Page) look(ctx context.Context, v *visitor) *view {
	p.checkRevoked(ctx, v)
	page := &view{chrome: newChrome(), Layout: layoutOut, Now: time.Now(), Zone: p.cfg.Zone, Pages: p.cfg.Client.OAuth != nil,
		Choice: p.cfg.ShortClientID != "", Short: p.short(v), PoolID: p.cfg.Client.UserPoolID, ClientID: v.clientID}
	v.mu.Lock()
	guest, events := v.guest, slices.Clone(v.events)
	if v.step != nil {
		page.Question = questionOf(v.step.Challenge)
	}
	v.mu.Unlock()
	for _, e := range slices.Backward(events) {
		page.Events = append(page.Events, tellOf(e, p.cfg.Zone))
	}
	user, signedOut := v.client.CurrentUser(ctx)
	fetch := func() (*latchkey.Session, error) { return v.client.FetchSession(ctx) }
	if signedOut != nil && !guest {
		fetch = func() (*latchkey.Session, error) { return v.client.CurrentSession(ctx) }
	}
	session, err := fetch()
	if err != nil {
		page.Ended = alarm("The session cannot be read", err)
		return page
	}
	page.fillAWS(session, p.cfg.Client.AllowGuests && !guest)
	if !session.SignedIn() {
		if _, err := session.Tokens(); errors.Is(err, latchkey.ErrSessionExpired) {
			text, _ := explain(err)
			page.Ended = &message{Kind: kindAlert, Text: sentence(text), Hint: "Sign in again."}
		}
		return page
	}
	page.Layout = layoutIn
	page.fillUser(session, user)
	page.Refreshable = refreshable(session)
	return page
}

// refreshable reports whether the session has a refresh token, also while its tokens
// cannot be refreshed.
func refreshable(session *latchkey.Session) bool {
	tokens, err := session.Tokens()
	if err != nil {
		return !errors.Is(err, latchkey.ErrNeedsSignIn)
	}
	return tokens.Refreshable
}

func (v *view) fillUser(session *latchkey.Session, user latchkey.User) {
	v.Username, v.Name, v.UserID = user.Username, user.Username, user.UserID
	v.How = "through the sign-in pages"
	if user.LoginID != "" {
		v.How = "with a password, as " + user.LoginID + " (" + user.AuthFlow + ")"
	}
	tokens, err := session.Tokens()
	if err != nil {
		v.Trouble = alarm("The tokens could not be refreshed", err)
		return
	}
	drift := session.ClockDrift().Round(time.Second)
	v.Since = tokens.Access.AuthTime().Add(-drift)
	v.Access = v.newTokenView("Access token", "What an API is shown.", tokens.Access, drift)
	if tokens.ID != nil {
		v.ID = v.newTokenView("ID token", "Who you are, for this program to read.", tokens.ID, drift)
		v.Email = tokens.ID.Email()
		if name := tokens.ID.Name(); name != "" {
			v.Name = name
		}
	}
}

func (v *view) newTokenView(title, what string, token *jwt.Unverified, drift time.Duration) *tokenView {
	t := &tokenView{Title: title, What: what}
	t.Life = &life{What: "the " + title, From: token.IssuedAt().Add(-drift), Until: token.Expiry().Add(-drift)}
	t.Header, t.Payload = claimsOf(token, v.Zone)
	return t
}

func (v *view) fillAWS(session *latchkey.Session, mayAsk bool) {
	a := &v.AWS
	a.Guest = !session.SignedIn()
	if tokens, err := session.Tokens(); err == nil && tokens.ID != nil {
		a.Role = tokens.ID.PreferredRole()
	}
	identity, identityErr := session.IdentityID()
	a.Identity = identity
	credentials, err := session.Credentials()
	switch {
	case err == nil:
		a.KeyID = mask(credentials.AccessKeyID)
		a.Life = &life{What: "the AWS credentials", From: credentials.ReceivedAt, Until: credentials.Expiration}
	case errors.Is(err, latchkey.ErrNotFetched):
		a.Offer = a.Guest && mayAsk
	case errors.Is(err, latchkey.ErrSessionExpired), errors.Is(err, latchkey.ErrSignedOut):
		// The page says so already.
	default:
		text, hint := explain(err)
		a.Trouble = &message{Kind: kindAlert, Text: sentence(text), Hint: hint}
		if errors.Is(err, latchkey.ErrNoIdentityPool) || errors.Is(err, latchkey.ErrGuestsDisabled) {
			a.Trouble.Kind = kindNotice
		}
	}
	if identityErr != nil && a.Trouble == nil && err == nil {
		a.Trouble = alarm("There is no identity id", identityErr)
	}
}

// mask shows just enough of a key's id to tell it from another.
func mask(id string) string {
	if len(id) < 16 {
		return strings.Repeat("•", 8)
	}
	return id[:4] + strings.Repeat("•", 8) + id[len(id)-4:]
}

// copyable is a text with a button that copies it.
type copyable struct{ What, Text string }

// Copy is a button's text, with what it is called.
func (v *view) Copy(what, text string) copyable { return copyable{what, text} }

// Focus reports whether an input of the question has the focus: the one that is wrong, or
// the first.
func (v *view) Focus(i int) bool {
	wrong := slices.IndexFunc(v.Question.Fields, func(f field) bool { return v.Problem(f.Name) != nil })
	return i == max(wrong, 0)
}
