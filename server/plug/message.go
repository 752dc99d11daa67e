package plug

import (
	"context"
	"errors"
)

// Messenger delivers messages to users: by an SMTP server (package mail), an SMS
// provider, or any other means.
//
// Send takes a message over and returns; a Messenger with a queue, such as package mail's
// Sender, returns before the delivery. Its error is logged, and the caller of the operation
// gets CodeDeliveryFailureException, also after a panic or if Send takes longer than ten
// seconds. If the client hides which users exist (PreventUserExistenceErrors), calls such as
// ForgotPassword neither wait for Send nor report its error, since both would reveal that
// there is a user. Send must be safe for concurrent use.
type Messenger interface {
	Send(ctx context.Context, m Message) error
}

// ErrMedium means that a [Messenger] does not deliver by a message's medium.
var ErrMedium = errors.New("plug: medium is not delivered")

// Media of messages, by the names of CodeDeliveryDetails.
const (
	MediumEmail = "EMAIL"
	MediumSMS   = "SMS"
)

// Purpose is why a message is sent.
type Purpose string

// Purposes, by the names that Cognito's custom sender triggers have for them.
const (
	PurposeSignUp              Purpose = "SignUp"              // the code of a SignUp
	PurposeResendCode          Purpose = "ResendCode"          // that code again
	PurposeForgotPassword      Purpose = "ForgotPassword"      // ForgotPassword, AdminResetUserPassword
	PurposeUpdateUserAttribute Purpose = "UpdateUserAttribute" // the code for a new address
	PurposeVerifyUserAttribute Purpose = "VerifyUserAttribute" // GetUserAttributeVerificationCode
	PurposeAdminCreateUser     Purpose = "AdminCreateUser"     // the temporary password of a new user
)

// Message is a message to a user, with the text of the pool's template.
type Message struct {
	Purpose  Purpose
	Medium   string // MediumEmail or MediumSMS
	Address  string // e-mail address or phone number
	PoolID   string
	ClientID string // the app client; empty if an administrator caused the message
	Username string // as the user knows it

	Code    Secret // the code or temporary password
	Subject string // of an e-mail
	Text    Secret // the filled template, with the code in it
	HTML    bool   // Text is HTML

	// UserAttributes are the user's attributes, with sub and cognito:user_status.
	UserAttributes map[string]string
	// ClientMetadata is what the caller of the operation passed along.
	ClientMetadata map[string]string
	// Source is the network that the operation was called from; empty for calls of
	// administrators and of this machine. A Messenger with a queue uses it to keep one
	// source from filling the queue.
	Source string
}
