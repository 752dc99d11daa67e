package latchkey

import (
	"context"
	"maps"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"

	"github.com/go-json-experiment/json"
)

// Step is where a sign-in stands: done, or at a challenge. It is a value to pass
// on, not a state of the client, so that several sign-ins may be under way.
type Step struct {
	// Challenge is what the service asks next; nil when the user is signed in.
	Challenge *Challenge

	done    bool
	attempt *attempt
	session wire.Sensitive
}

// Challenge is a question of the service.
type Challenge struct {
	// Name is Cognito's, such as NEW_PASSWORD_REQUIRED, SMS_MFA, EMAIL_OTP,
	// SOFTWARE_TOKEN_MFA, SELECT_MFA_TYPE or CUSTOM_CHALLENGE.
	Name string
	// Parameters are the service's, as sent.
	Parameters map[string]string
	// Choices are what [AnswerChoice] may name.
	Choices []string
	// RequiredAttributes are what [AnswerNewPassword] must give beside the password.
	RequiredAttributes []string
	// UserAttributes are what the service knows of the user already.
	UserAttributes map[string]string
	// Medium and Destination say where a code was sent: SMS or EMAIL, and the address as
	// the service masks it, such as "f***@e***". Both are empty if no code was sent.
	Medium, Destination string
}

// Answer answers a [Challenge]; make one with [AnswerNewPassword], [AnswerCode] or [AnswerChoice].
// It prints without what it holds.
type Answer struct {
	kind       answerKind
	value      Secret
	attributes map[string]string
}

// answerKind is the constructor of an answer, so that a code is not sent where a
// password is required.
type answerKind uint8

const (
	answerNone answerKind = iota
	answerNewPassword
	answerCode
	answerChoice
)

// AnswerNewPassword answers NEW_PASSWORD_REQUIRED, which comes at the first sign-in
// with a temporary password. attributes may be nil.
func AnswerNewPassword(password string, attributes map[string]string) Answer {
	return Answer{answerNewPassword, NewSecret(password), maps.Clone(attributes)}
}

// AnswerCode answers a challenge that asks for a code: SMS_MFA, SMS_OTP, EMAIL_OTP,
// SOFTWARE_TOKEN_MFA, and CUSTOM_CHALLENGE.
func AnswerCode(code string) Answer { return Answer{kind: answerCode, value: NewSecret(code)} }

// AnswerChoice answers a challenge that asks to pick one: SELECT_MFA_TYPE and
// SELECT_CHALLENGE.
func AnswerChoice(name string) Answer { return Answer{kind: answerChoice, value: NewSecret(name)} }

// responses says which answer a challenge takes and under which name it goes.
var responses = map[wire.ChallengeName]struct {
	kind answerKind
	name string
	hint string
}{
	wire.ChallengeNewPasswordRequired: {answerNewPassword, "NEW_PASSWORD", "answer with AnswerNewPassword"},
	wire.ChallengeSMSMFA:              {answerCode, "SMS_MFA_CODE", "answer with AnswerCode"},
	wire.ChallengeSMSOTP:              {answerCode, "SMS_OTP_CODE", "answer with AnswerCode"},
	wire.ChallengeEmailOTP:            {answerCode, "EMAIL_OTP_CODE", "answer with AnswerCode"},
	wire.ChallengeSoftwareTokenMFA:    {answerCode, "SOFTWARE_TOKEN_MFA_CODE", "answer with AnswerCode"},
	wire.ChallengeCustom:              {answerCode, "ANSWER", "answer with AnswerCode"},
	wire.ChallengeSelectMFAType:       {answerChoice, "ANSWER", "answer with AnswerChoice"},
	wire.ChallengeSelect:              {answerChoice, "ANSWER", "answer with AnswerChoice"},
}

// Done reports whether the user is signed in. A nil or zero Step is not done.
func (s *Step) Done() bool { return s != nil && s.done }

// Respond answers the challenge and returns the next step. With an error it
// returns no step, unless the user is signed in and only the store failed (ErrStore).
// After ErrCodeMismatch and ErrInvalidPassword the same step may be answered again,
// and after an ErrInvalidParameter without [Error.Code], which is found before anything
// is sent; after other errors begin anew with SignIn. Errors are those of
// [Client.SignIn], and ErrInvalidParameter for an answer that does not fit the
// challenge.
func (s *Step) Respond(ctx context.Context, answer Answer) (*Step, error) {
	switch {
	case s.Done():
		return nil, problem("Respond", ErrInvalidParameter, "the sign-in is done; there is nothing to answer")
	case s == nil || s.attempt == nil || s.Challenge == nil:
		return nil, problem("Respond", ErrInvalidParameter, "there is no challenge; answer the Step that SignIn or Respond returned")
	}
	if err := s.attempt.c.engine.Closed(); err != nil {
		return nil, asError("Respond", err)
	}
	name := wire.ChallengeName(s.Challenge.Name)
	fit, ok := responses[name]
	switch {
	case !ok:
		return nil, &Error{Op: "Respond", Kind: ErrNotSupported, Message: "challenge " + s.Challenge.Name}
	case answer.kind != fit.kind:
		return nil, problem("Respond", ErrInvalidParameter, fit.hint)
	case answer.value.IsZero():
		return nil, problem("Respond", ErrInvalidParameter, "the answer is empty")
	}
	for _, attribute := range s.Challenge.RequiredAttributes {
		if answer.attributes[attribute] == "" {
			return nil, problem("Respond", ErrInvalidParameter, "give the attribute "+attribute+" to AnswerNewPassword")
		}
	}
	values := wire.Parameters{fit.name: answer.value.Reveal()}
	for attribute, value := range answer.attributes {
		values[attributePrefix+attribute] = value
	}
	// The username may change with the answer; a step that is answered twice, as
	// after a mistyped code, begins from where it stood.
	again := *s.attempt // steps must not change each other
	step, err := again.answer(ctx, name, s.session, values)
	return step, asError("Respond", err)
}

// attributePrefix is how Cognito marks attributes among challenge parameters and
// responses (RespondToAuthChallenge, NEW_PASSWORD_REQUIRED).
const attributePrefix = "userAttributes."

// newStep reads a challenge. Lists and maps come as JSON inside texts.
func newStep(a *attempt, answer *wire.RespondToAuthChallengeResponse) (*Step, error) {
	p := answer.ChallengeParameters
	challenge := &Challenge{Name: string(answer.ChallengeName), Parameters: maps.Clone(map[string]string(p))}
	var choices []string
	err := unpack(p, "requiredAttributes", &challenge.RequiredAttributes, nil)
	err = unpack(p, "userAttributes", &challenge.UserAttributes, err)
	err = unpack(p, "MFAS_CAN_CHOOSE", &choices, err)
	if err != nil {
		return nil, err
	}
	for i, name := range challenge.RequiredAttributes {
		challenge.RequiredAttributes[i] = strings.TrimPrefix(name, attributePrefix)
	}
	for _, name := range answer.AvailableChallenges {
		choices = append(choices, string(name))
	}
	challenge.Choices = choices
	challenge.Medium, challenge.Destination = p["CODE_DELIVERY_DELIVERY_MEDIUM"], p["CODE_DELIVERY_DESTINATION"]
	a.login.password = Secret{} // proven; no later step needs it
	return &Step{Challenge: challenge, attempt: a, session: answer.Session}, nil
}

// unpack reads one parameter that holds JSON. It does nothing after an error.
func unpack(p wire.Parameters, name string, into any, err error) error {
	if err != nil || p[name] == "" {
		return err
	}
	if json.Unmarshal([]byte(p[name]), into) != nil {
		return &fault.Fault{Kind: fault.Service, Message: "the challenge's " + name + " cannot be read"}
	}
	return nil
}
