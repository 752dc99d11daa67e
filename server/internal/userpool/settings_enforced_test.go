package userpool_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

func TestMessageTemplates(t *testing.T) {
	t.Parallel()
	older := func(p *wire.CreateUserPoolRequest) {
		p.SmsVerificationMessage, p.EmailVerificationMessage, p.EmailVerificationSubject = "older SMS {####}", "older mail {####}", "older subject"
	}
	newer := func(p *wire.CreateUserPoolRequest) {
		p.VerificationMessageTemplate = &wire.VerificationMessageTemplateType{
			SmsMessage: "newer SMS {####}", EmailMessage: "newer mail {####}", EmailSubject: "newer subject",
		}
	}
	for name, test := range map[string]struct {
		set  []func(*wire.CreateUserPoolRequest)
		want string // of subject and texts
	}{
		"older":       {[]func(*wire.CreateUserPoolRequest){older}, "older"},
		"newer":       {[]func(*wire.CreateUserPoolRequest){newer}, "newer"},
		"newer first": {[]func(*wire.CreateUserPoolRequest){older, newer}, "newer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
				p.AutoVerifiedAttributes = []string{"email", "phone_number"}
				for _, set := range test.set {
					set(p)
				}
			})
			w.signUp("ann", "ann@example.com")
			must[wire.SignUpResponse](w, "SignUp", &wire.SignUpRequest{
				ClientId: w.client, Username: "bob", Password: password, UserAttributes: pooltest.Attributes("phone_number", "+15551234567"),
			})
			sms, mail := w.outbox.Entries()[0], w.outbox.Entries()[1]
			if mail.Subject != test.want+" subject" {
				t.Errorf("subject %q", mail.Subject)
			}
			for prefix, text := range map[string]string{test.want + " mail ": mail.Text.Reveal(), test.want + " SMS ": sms.Text.Reveal()} {
				if text != prefix+regexp.MustCompile(`[0-9]{6}`).FindString(text) {
					t.Errorf("text %q, want %q and a code", text, prefix)
				}
			}
		})
	}
}

func TestAccountRecoverySetting(t *testing.T) {
	t.Parallel()
	mechanism := func(priority int32, name string) wire.RecoveryOptionType {
		return wire.RecoveryOptionType{Priority: &priority, Name: name}
	}
	for name, test := range map[string]struct {
		list []wire.RecoveryOptionType
		want string // the medium; empty is refused
	}{
		"default":     {nil, "SMS"},
		"mail first":  {[]wire.RecoveryOptionType{mechanism(2, "verified_phone_number"), mechanism(1, "verified_email")}, "EMAIL"},
		"phone first": {[]wire.RecoveryOptionType{mechanism(1, "verified_phone_number"), mechanism(2, "verified_email")}, "SMS"},
		"mail only":   {[]wire.RecoveryOptionType{mechanism(1, "verified_email")}, "EMAIL"},
		"admin only":  {[]wire.RecoveryOptionType{mechanism(1, "admin_only")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
				pooltest.Verifying(p, c)
				if test.list != nil {
					p.AccountRecoverySetting = &wire.AccountRecoverySettingType{RecoveryMechanisms: test.list}
				}
			})
			w.addVictim()
			out, err := w.forgot("demo")
			if test.want == "" {
				wantException(t, err, wire.InvalidParameterException, wire.MessageNoVerifiedContact)
				return
			}
			if err != nil || out.CodeDeliveryDetails.DeliveryMedium != test.want {
				t.Errorf("recovery goes to %+v, %v, want %s", out, err, test.want)
			}
		})
	}
}

func TestAuthSessionValidity(t *testing.T) {
	t.Parallel()
	for minutes, default3 := range map[int32]bool{3: true, 15: false} {
		w := newWorld(t, func(_ *wire.CreateUserPoolRequest, c *wire.CreateUserPoolClientRequest) {
			if !default3 {
				c.AuthSessionValidity = &minutes
			}
		})
		w.stopClock()
		life := time.Duration(minutes) * time.Minute
		early, late := w.invite("early"), w.invite("late")
		w.advance(life - time.Second)
		if err := w.renew("early", early, "Permanent-1"); err != nil {
			t.Errorf("%d minutes: an answer in time: %v", minutes, err)
		}
		w.advance(time.Second)
		wantException(t, w.renew("late", late, "Permanent-1"), wire.NotAuthorizedException, wire.MessageSessionExpired)
	}
}
