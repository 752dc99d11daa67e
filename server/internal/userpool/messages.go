package userpool

import (
	"context"
	"errors"
	"html"
	"maps"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// contact is where a user can be reached.
type contact struct{ attribute, medium, address string }

// contactOf gives a user's e-mail address or phone number.
func contactOf(user storage.User, attribute string) contact {
	medium := plug.MediumEmail
	if attribute == loginPhone {
		medium = plug.MediumSMS
	}
	return contact{attribute, medium, user.Attributes[attribute]}
}

// details are what the answer says of a contact: enough for its owner to know
// which it is.
func (c contact) details() *wire.CodeDeliveryDetailsType {
	return &wire.CodeDeliveryDetailsType{AttributeName: c.attribute, DeliveryMedium: c.medium, Destination: masked(c.address)}
}

// masked hides an address as Cognito does: f***@e***, +*******1234.
func masked(address string) string {
	if local, domain, ok := strings.Cut(address, "@"); ok {
		return first(local) + "***@" + first(domain) + "***"
	}
	const shown = 4
	if len(address) <= shown+1 {
		return "+***"
	}
	return "+" + strings.Repeat("*", len(address)-1-shown) + address[len(address)-shown:]
}

func first(text string) string {
	for _, r := range text {
		return string(r)
	}
	return ""
}

// newContact is where the code of a SignUp goes: to the contacts that the pool
// verifies by itself, the phone number first (AutoVerifiedAttributes).
func (p *PoolSettings) newContact(user storage.User) (contact, bool) {
	for _, attribute := range []string{loginPhone, loginEmail} {
		if c := contactOf(user, attribute); c.address != "" && p.autoVerifies(attribute) {
			return c, true
		}
	}
	return contact{}, false
}

func (p *PoolSettings) autoVerifies(attribute string) bool {
	for _, name := range p.AutoVerifiedAttributes {
		if name == attribute {
			return true
		}
	}
	return false
}

// recoveryRanks are the contacts of AccountRecoverySetting in their order; none
// without the setting.
func (p *PoolSettings) recoveryRanks() (ranks []string) {
	r := p.AccountRecoverySetting
	if r == nil {
		return nil
	}
	for priority := int32(1); priority <= 2; priority++ {
		for _, option := range r.RecoveryMechanisms {
			if option.Priority != nil && *option.Priority == priority {
				ranks = append(ranks, strings.TrimPrefix(option.Name, "verified_"))
			}
		}
	}
	return ranks
}

// recoveryContact is where a forgotten password is recovered: the verified
// contact that AccountRecoverySetting ranks first, or without the setting the
// phone number before the e-mail address.
func (p *PoolSettings) recoveryContact(user storage.User) (contact, bool) {
	ranks := []string{loginPhone, loginEmail}
	if p.AccountRecoverySetting != nil && len(p.AccountRecoverySetting.RecoveryMechanisms) > 0 {
		ranks = p.recoveryRanks()
	}
	for _, attribute := range ranks {
		if c := contactOf(user, attribute); c.address != "" && user.Attributes[attribute+"_verified"] == "true" {
			return c, true
		}
	}
	return contact{}, false
}

// template is a text of the pool with its subject.
type template struct{ subject, text string }

// Cognito's own templates; the pool may have others.
var (
	signUpTemplate = template{"Your verification code", "Your confirmation code is {####}"}
	resetTemplate  = template{"Your verification code", "Your password reset code is {####}"}
	inviteTemplate = template{"Your temporary password", "Your username is {username} and temporary password is {####}"}
)

// codeTemplate is the pool's text around a code.
func (p *PoolSettings) codeTemplate(medium string, standard template) template {
	t := wire.VerificationMessageTemplateType{}
	if p.VerificationMessageTemplate != nil {
		t = *p.VerificationMessageTemplate
	}
	if medium == plug.MediumSMS {
		return template{text: firstOf(t.SmsMessage, p.SmsVerificationMessage, standard.text)}
	}
	return template{
		subject: firstOf(t.EmailSubject, p.EmailVerificationSubject, standard.subject),
		text:    firstOf(t.EmailMessage, p.EmailVerificationMessage, standard.text),
	}
}

// inviteTemplate is the pool's text around a temporary password.
func (p *PoolSettings) inviteTemplate(medium string) template {
	t := wire.MessageTemplateType{}
	if c := p.AdminCreateUserConfig; c != nil && c.InviteMessageTemplate != nil {
		t = *c.InviteMessageTemplate
	}
	if medium == plug.MediumSMS {
		return template{text: firstOf(t.SMSMessage, inviteTemplate.text)}
	}
	return template{firstOf(t.EmailSubject, inviteTemplate.subject), firstOf(t.EmailMessage, inviteTemplate.text)}
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// occasion is the call that causes a message.
type occasion struct {
	purpose  plug.Purpose
	clientID string // empty for an administrator's call
	metadata wire.Parameters
}

// message fills a template. In a template that is HTML the name is escaped;
// the code is made of digits, and a temporary password is escaped like the name.
func (o occasion) message(t template, user storage.User, c contact, code string) plug.Message {
	name, isHTML := user.Username, c.medium == plug.MediumEmail && strings.Contains(t.text, "<")
	if name == user.Sub && c.address != "" {
		name = c.address // what the person signs in with
	}
	fill := strings.NewReplacer("{username}", name, "{####}", code)
	text := fill
	if isHTML {
		text = strings.NewReplacer("{username}", html.EscapeString(name), "{####}", html.EscapeString(code))
	}
	attributes := map[string]string{"sub": user.Sub, "cognito:user_status": user.Status}
	maps.Copy(attributes, user.Attributes)
	return plug.Message{
		Purpose: o.purpose, Medium: c.medium, Address: c.address, PoolID: user.PoolID, ClientID: o.clientID, Username: name,
		Code: plug.NewSecret(code), Subject: strings.NewReplacer("{username}", name).Replace(t.subject),
		Text: plug.NewSecret(text.Replace(t.text)), HTML: isHTML,
		UserAttributes: attributes, ClientMetadata: maps.Clone(o.metadata),
	}
}

// send passes a message to the messenger.
func (s *Service) send(ctx context.Context, m plug.Message) error {
	err := error(nil)
	m.Source = sourceOf(ctx)
	if s.messenger == nil {
		err = errors.New("the service has no messenger: set Config.Messenger")
	} else {
		err = s.messenger.Send(ctx, m)
	}
	if err == nil {
		return nil
	}
	s.log.ErrorContext(ctx, "cannot send a message", "pool", m.PoolID, "purpose", m.Purpose, "medium", m.Medium, "error", err)
	return wire.NewException(wire.CodeDeliveryFailureException, wire.MessageCodeNotDelivered)
}
