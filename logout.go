package latchkey

import (
	"context"
	"net/url"

	"github.com/latchkey-auth/latchkey/internal/authflow"
	"github.com/latchkey-auth/latchkey/internal/cognito"
	"github.com/latchkey-auth/latchkey/internal/origin"
	"github.com/latchkey-auth/latchkey/store"
)

// leavePages ends the session that the browser has at the sign-in pages, where the
// next sign-in would else need no password. What could not be done stays in the
// record, for the next SignOut.
func (c *Client) leavePages(ctx context.Context, report *SignOutReport, over store.Record, options signOutOptions) {
	const op = "Logout" // the name of the endpoint in Cognito's reference
	if over.Redirect == nil {
		return
	}
	address, err := c.logoutURL(op, *over.Redirect)
	if err != nil {
		report.pageErr = err
		return
	}
	report.LogoutURL = address
	if options.keepBrowser || !over.Redirect.Browser {
		return
	}
	bounded, cancel := context.WithTimeoutCause(ctx, browserTime, cognito.ErrTimeout)
	defer cancel()
	if report.pageErr = c.openBrowser(bounded, op, address); report.pageErr != nil {
		return
	}
	report.HostedPage = true
	if err := c.engine.LeftPages(ctx, over.Account); err != nil {
		c.log.WarnContext(ctx, "latchkey: the next sign-out opens the logout page once more", "error", err)
	}
}

// logoutURL is the logout page's address (Cognito's GET /logout). It leads on to a
// sign-out URL of the configuration, else to the login page.
func (c *Client) logoutURL(op string, session store.Redirect) (string, error) {
	base, err := c.cfg.pagesURL(op)
	if err != nil {
		return "", err
	}
	query := url.Values{"client_id": {c.cfg.ClientID}}
	if target := c.cfg.signOutURI(session); target != "" {
		query.Set("logout_uri", target)
		return base + "/logout?" + query.Encode(), nil
	}
	callback := session.URI
	if callback == "" && c.cfg.OAuth != nil && len(c.cfg.OAuth.RedirectSignIn) > 0 {
		callback = c.cfg.OAuth.RedirectSignIn[0] // the session is another program's
	}
	if callback == "" {
		return "", problem(op, ErrConfig, "set "+c.cfg.shortName(redirectSignOutMember())+" to a sign-out URL of the app client, for the logout page to lead to")
	}
	// The login page requires a complete request. The code that results is never redeemed.
	for name, value := range map[string]string{
		"redirect_uri": callback, "response_type": "code", "scope": c.cfg.askedScope(), "state": authflow.Random().Reveal(),
		"code_challenge": authflow.Challenge(authflow.Random()), "code_challenge_method": "S256",
	} {
		query.Set(name, value)
	}
	return base + "/logout?" + query.Encode(), nil
}

// signOutURI chooses where a logout leads: to the callback's origin, else to the
// first URL. Where the program itself sat at the person's machine nothing listens
// any more at loopback addresses. It is empty if the configuration names nothing.
func (c Config) signOutURI(session store.Redirect) string {
	if c.OAuth == nil {
		return ""
	}
	first := ""
	for _, candidate := range c.OAuth.RedirectSignOut {
		u, err := url.Parse(candidate)
		if err != nil || session.Browser && (loopbackIP(u.Hostname()) || u.Hostname() == "localhost") {
			continue
		}
		if origin.Of(candidate) == origin.Of(session.URI) {
			return candidate
		}
		if first == "" {
			first = candidate
		}
	}
	return first
}
