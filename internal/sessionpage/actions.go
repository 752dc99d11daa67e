package sessionpage

import (
	"context"
	"errors"
	"net/http"

	"github.com/latchkey-auth/latchkey"
)

// refresh asks for new tokens and new AWS credentials, though the old ones are good.
func (p *Page) refresh(ctx context.Context, v *visitor, _ *http.Request) outcome {
	session, err := v.client.FetchSession(ctx, latchkey.ForceRefresh())
	defer v.change(func() {}) // credentials have no event
	if err != nil {
		return tell(alarm("Nothing was refreshed", err))
	}
	if _, err := session.Tokens(); err != nil {
		return tell(alarm("The tokens were not refreshed", err))
	}
	if _, err := session.Credentials(); err != nil && !errors.Is(err, latchkey.ErrNoIdentityPool) {
		m := alarm("The tokens are new, the AWS credentials are not", err)
		return tell(m)
	}
	return tell(&message{Kind: kindNotice, Text: "Refreshed: new tokens and new AWS credentials, of the same sign-in."})
}

// fetchGuest asks for an identity and AWS credentials without a sign-in. The page
// does so only on request, since looking at it must not create an identity.
func (p *Page) fetchGuest(ctx context.Context, v *visitor, _ *http.Request) outcome {
	if v.in(ctx) {
		return tell(alreadyIn)
	}
	_, err := v.client.FetchCredentials(ctx)
	defer v.change(func() { v.guest = true })
	if err != nil {
		return tell(alarm("There is no guest", err))
	}
	return tell(&message{Kind: kindNotice, Text: "You have AWS credentials as a guest. A sign-in takes the identity over."})
}

func (p *Page) signOut(ctx context.Context, v *visitor, _ *http.Request) outcome {
	report, _ := v.client.SignOut(ctx)
	return v.signedOut(report)
}

func (p *Page) signOutEverywhere(ctx context.Context, v *visitor, _ *http.Request) outcome {
	report, _ := v.client.GlobalSignOut(ctx)
	return v.signedOut(report)
}

// signedOut says what was done. Of a session that came from the sign-in pages the
// browser goes there first, to end its session with them, and is led back.
func (v *visitor) signedOut(report latchkey.SignOutReport) outcome {
	v.change(func() { v.step, v.flow, v.guest = nil, nil, false })
	return outcome{message: farewell(report), to: report.LogoutURL}
}

func farewell(report latchkey.SignOutReport) *message {
	nothing := !report.Revoked && !report.Global && report.LogoutURL == ""
	if nothing && report.Err() == nil {
		return &message{Kind: kindNotice, Text: "Nobody was signed in."}
	}
	m := &message{Kind: kindNotice, Text: "You are signed out."}
	done := func(is bool, text string) {
		if is {
			m.List = append(m.List, text)
		}
	}
	done(report.Local, "The session of "+report.Username+" is forgotten here.")
	done(report.Global, "The service has ended all sessions of "+report.Username+", in every browser and program.")
	done(report.Revoked, "The refresh token is revoked.")
	done(report.LogoutURL != "", "The sign-in pages have forgotten this browser.")
	failures, _ := report.Err().(interface{ Unwrap() []error })
	if failures == nil {
		return m
	}
	for _, err := range failures.Unwrap() {
		text, _ := explain(err)
		m.Kind, m.List = kindAlert, append(m.List, leftUndone(err)+": "+text+".")
	}
	return m
}

// leftUndone says what the error of a sign-out kept from being done.
func leftUndone(err error) string {
	failed, _ := errors.AsType[*latchkey.Error](err)
	switch {
	case errors.Is(err, latchkey.ErrStore):
		return "The session could not be forgotten"
	case failed != nil && failed.Op == "RevokeToken":
		return "The refresh token is not revoked"
	case failed != nil && failed.Op == "Logout":
		return "The sign-in pages still know this browser"
	}
	return "The other sessions continue"
}
