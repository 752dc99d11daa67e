package pool

import (
	"context"
	"errors"
	"html"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Contact is where a user can be reached.
type Contact struct{ Attribute, Medium, Address string }

// ContactOf gives a user's e-mail address or phone number.
func ContactOf(user storage.User, attribute string) Contact {
	medium := plug.MediumEmail
	if attribute == LoginPhone {
		medium = plug.MediumSMS
	}
	return Contact{attribute, medium, user.Attributes[attribute]}
}

// Details are what the answer says of a contact: enough for its owner to know
// which it is.
func (c Contact) Details() *wire.CodeDeliveryDetailsType {
	return &wire.CodeDeliveryDetailsType{AttributeName: c.Attribute, DeliveryMedium: c.Medium, Destination: Masked(c.Address)}
}

// Masked hides an address as Cognito does: f***@e***, +*******1234.
func Masked(address string) string {
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

// NewContact is where the code of a SignUp goes: to the contacts that the pool
// verifies by itself, the phone number first (AutoVerifiedAttributes).
func (p *Settings) NewContact(user storage.User) (Contact, bool) {
	for _, attribute := range []string{LoginPhone, LoginEmail} {
		if c := ContactOf(user, attribute); c.Address != "" && p.AutoVerifies(attribute) {
			return c, true
		}
	}
	return Contact{}, false
}

// AutoVerifies reports whether the pool verifies an attribute when a user signs up.
func (p *Settings) AutoVerifies(attribute string) bool {
	for _, name := range p.AutoVerifiedAttributes {
		if name == attribute {
			return true
		}
	}
	return false
}

// RecoveryRanks are the contacts of AccountRecoverySetting in their order; none
// without the setting.
func (p *Settings) RecoveryRanks() (ranks []string) {
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

// RecoveryContact is where a forgotten password is recovered: the verified
// contact that AccountRecoverySetting ranks first, or without the setting the
// phone number before the e-mail address.
func (p *Settings) RecoveryContact(user storage.User) (Contact, bool) {
	ranks := []string{LoginPhone, LoginEmail}
	if p.AccountRecoverySetting != nil && len(p.AccountRecoverySetting.RecoveryMechanisms) > 0 {
		ranks = p.RecoveryRanks()
	}
	for _, attribute := range ranks {
		if c := ContactOf(user, attribute); c.Address != "" && user.Attributes[attribute+"_verified"] == "true" {
			return c, true
		}
	}
	return Contact{}, false
}

// Template is a text of the pool with its subject.
type Template struct{ subject, text string }

// Cognito's own templates; the pool may have others.
var (
	SignUpTemplate = Template{"Your verification code", "Your confirmation code is {####}"}
	ResetTemplate  = Template{"Your verification code", "Your password reset code is {####}"}
	inviteTemplate = Template{"Your temporary password", "Your username is {username} and temporary password is {####}"}
)

// CodeTemplate is the pool's text around a code.
func (p *Settings) CodeTemplate(medium string, standard Template) Template {
	t := wire.VerificationMessageTemplateType{}
	if p.VerificationMessageTemplate != nil {
		t = *p.VerificationMessageTemplate
	}
	if medium == plug.MediumSMS {
		return Template{text: firstOf(t.SmsMessage, p.SmsVerificationMessage, standard.text)}
	}
	return Template{
		subject: firstOf(t.EmailSubject, p.EmailVerificationSubject, standard.subject),
		text:    firstOf(t.EmailMessage, p.EmailVerificationMessage, standard.text),
	}
}

// InviteTemplate is the pool's text around a temporary password.
func (p *Settings) InviteTemplate(medium string) Template {
	t := wire.MessageTemplateType{}
	if c := p.AdminCreateUserConfig; c != nil && c.InviteMessageTemplate != nil {
		t = *c.InviteMessageTemplate
	}
	if medium == plug.MediumSMS {
		return Template{text: firstOf(t.SMSMessage, inviteTemplate.text)}
	}
	return Template{firstOf(t.EmailSubject, inviteTemplate.subject), firstOf(t.EmailMessage, inviteTemplate.text)}
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// Occasion is the call that causes a message.
type Occasion struct {
	Purpose  plug.Purpose
	ClientID string // empty for an administrator's call
	Metadata wire.Parameters
}

// Message fills a template. In a template that is HTML the name is escaped;
// the code is made of digits, and a temporary password is escaped like the name.
func (o Occasion) Message(t Template, user storage.User, c Contact, code string) plug.Message {
	name, isHTML := user.Username, c.Medium == plug.MediumEmail && strings.Contains(t.text, "<")
	if name == user.Sub && c.Address != "" {
		name = c.Address // what the person signs in with
	}
	fill := strings.NewReplacer("{username}", name, "{####}", code)
	text := fill
	if isHTML {
		text = strings.NewReplacer("{username}", html.EscapeString(name), "{####}", html.EscapeString(code))
	}
	attributes := map[string]string{"sub": user.Sub, "cognito:user_status": user.Status}
	maps.Copy(attributes, user.Attributes)
	return plug.Message{
		Purpose: o.Purpose, Medium: c.Medium, Address: c.Address, PoolID: user.PoolID, ClientID: o.ClientID, Username: name,
		Code: plug.NewSecret(code), Subject: strings.NewReplacer("{username}", name).Replace(t.subject),
		Text: plug.NewSecret(text.Replace(t.text)), HTML: isHTML,
		UserAttributes: attributes, ClientMetadata: maps.Clone(o.Metadata),
	}
}

// Send passes a message to the messenger.
func (s *Codes) Send(ctx context.Context, m plug.Message) error {
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

// maxHidden is the number of messages that SendHidden sends at once.
const maxHidden = 256

// SendHidden is Send for answers that must not reveal whether a user exists. It logs failures and
// does not wait for the messenger, whose time would reveal it, unless the messenger is known not
// to wait.
func (s *Codes) SendHidden(ctx context.Context, m plug.Message) {
	if _, ok := s.messenger.(interface{ Immediate() }); ok {
		_ = s.Send(ctx, m)
		return
	}
	select {
	case s.hidden <- struct{}{}:
		go func() {
			defer func() { <-s.hidden }()
			_ = s.Send(context.WithoutCancel(ctx), m)
		}()
	default:
		s.log.ErrorContext(ctx, "cannot send a message: too many messages in progress", "pool", m.PoolID, "purpose", m.Purpose, "medium", m.Medium)
	}
}

// Close waits for the messages of SendHidden. It drops later ones.
func (s *Codes) Close() {
	for range cap(s.hidden) {
		s.hidden <- struct{}{}
	}
}

// RequiresVerification reports whether a new value of a contact waits until it is
// verified (UserAttributeUpdateSettingsType).
func (p *Settings) RequiresVerification(attribute string) bool {
	u := p.UserAttributeUpdateSettings
	return u != nil && slices.Contains(u.AttributesRequireVerificationBeforeUpdate, attribute)
}
