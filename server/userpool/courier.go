package userpool

import (
	"context"
	"errors"
	"html"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Media that a message can go by, as CodeDeliveryDetails names them.
const (
	MediumEmail = "EMAIL"
	MediumSMS   = "SMS"
)

// ErrMedium means that a [Courier] does not carry a message's medium.
var ErrMedium = errors.New("userpool: this medium is not delivered")

// Courier brings messages to people. Deliver hands a message over and does not
// wait until it has arrived: how long it takes must not tell whether there was
// anything to send. Its error becomes CodeDeliveryFailureException. It is safe
// for concurrent use.
type Courier interface {
	Deliver(ctx context.Context, m Message) error
}

// Message is what a person gets. It holds a code or a password, and prints
// neither.
type Message struct {
	PoolID   string
	Username string // as the person knows it
	Medium   string // MediumEmail or MediumSMS
	Address  string
	Subject  string // of an e-mail
	Text     secret.String
	HTML     bool // Text is HTML, as the pool's template is
	// Source is the network that asked for the message, empty for an
	// administrator's or a program's on this machine. A Courier with a queue keeps a
	// single source from filling it.
	Source string
}

// contact is where a user can be reached.
type contact struct{ attribute, medium, address string }

// contactOf gives a user's e-mail address or phone number.
func contactOf(user storage.User, attribute string) contact {
	medium := MediumEmail
	if attribute == loginPhone {
		medium = MediumSMS
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
	if medium == MediumSMS {
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
	if medium == MediumSMS {
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

// message fills a template in. In a template that is HTML the name is escaped;
// the code is made of digits, and a temporary password is escaped like the name.
func (t template) message(user storage.User, c contact, code string) Message {
	name, isHTML := user.Username, c.medium == MediumEmail && strings.Contains(t.text, "<")
	if name == user.Sub && c.address != "" {
		name = c.address // what the person signs in with
	}
	fill := strings.NewReplacer("{username}", name, "{####}", code)
	text := fill
	if isHTML {
		text = strings.NewReplacer("{username}", html.EscapeString(name), "{####}", html.EscapeString(code))
	}
	return Message{
		PoolID: user.PoolID, Username: name, Medium: c.medium, Address: c.address,
		Subject: strings.NewReplacer("{username}", name).Replace(t.subject), Text: secret.New(text.Replace(t.text)), HTML: isHTML,
	}
}

// deliver hands a message to the courier.
func (s *Service) deliver(ctx context.Context, m Message) error {
	err := error(nil)
	m.Source = sourceOf(ctx)
	if s.courier == nil {
		err = errors.New("the service has no courier: set Config.Courier")
	} else {
		err = s.courier.Deliver(ctx, m)
	}
	if err == nil {
		return nil
	}
	s.log.ErrorContext(ctx, "a message could not be handed over", "pool", m.PoolID, "medium", m.Medium, "error", err)
	return wire.NewException(wire.CodeDeliveryFailureException, wire.MessageCodeNotDelivered)
}
