package plug

import (
	"context"
	"errors"
)

// Triggers is code of a program that runs at points of sign-up, sign-in and token issue, as
// the Lambda triggers of Cognito do. Handle receives one of the event types of this package,
// such as [*PreSignUp], and returns the response type that belongs to it, or nil to change
// nothing.
//
// The service does not call triggers yet: server.Config has no field for them, and a pool's
// LambdaConfig is refused by name. What follows is how it will call them.
//
// # Order of the events
//
//	SignUp                            PreSignUp, user is stored, CustomMessage or CustomSender;
//	                                  if AutoConfirmUser also PostConfirmation
//	ConfirmSignUp, AdminConfirmSignUp status changes, PostConfirmation
//	AdminCreateUser                   PreSignUp, user is stored, CustomMessage or CustomSender
//	ForgotPassword                    UserMigration if the user is unknown, CustomMessage or CustomSender
//	codes sent again, for attributes  CustomMessage or CustomSender
//	ConfirmForgotPassword             password changes, PostConfirmation
//	sign-in by password or SRP        UserMigration if the user is unknown and the password was sent (not by SRP),
//	                                  PreAuthentication, password and challenges, PostAuthentication, PreTokenGeneration
//	sign-in by CUSTOM_AUTH            PreAuthentication, DefineAuthChallenge, then per challenge CreateAuthChallenge,
//	                                  VerifyAuthChallenge and DefineAuthChallenge; PostAuthentication, PreTokenGeneration
//	first sign-in at a provider       InboundFederation, PreSignUp, PostConfirmation, PreTokenGeneration
//	later sign-in at a provider       InboundFederation, PreAuthentication, PostAuthentication, PreTokenGeneration
//	refresh                           PreTokenGeneration
//	client_credentials                PreTokenGeneration of version "3"
//
// ClientMetadata of InitiateAuth and AdminInitiateAuth reaches PreSignUp, PreAuthentication (as
// ValidationData) and UserMigration only. That of RespondToAuthChallenge reaches all events of
// the sign-in, that of SignUp PreSignUp, CustomMessage and PostConfirmation, that of calls which
// send a code CustomMessage.
//
// # Errors
//
// Handle returns an error that matches [ErrUnavailable] or [ErrInvalidResponse] where a function
// in another process failed, and any other error to refuse the operation. All exceptions have status 400. The name of the event stands for <Trigger>; of
// [VerifyAuthChallenge] it is VerifyAuthChallengeResponse.
//
//	an error of Handle                UserLambdaValidationException "<Trigger> failed with error <text>."
//	ErrUnavailable, or no response    UnexpectedLambdaException "<Trigger> invocation failed due to error <text>."
//	within five seconds
//	ErrInvalidResponse, or the        InvalidLambdaResponseException "Unrecognizable lambda output"
//	response of another event
//	CUSTOM_AUTH without Triggers      InvalidUserPoolConfigurationException
//
// The caller sees the text of the error. Where an event follows a change, its error reaches the
// caller and undoes nothing: after PostConfirmation the user is confirmed. Errors of
// [CustomSender] do not reach the caller. An error of UserMigration is answered as a wrong
// password or an unknown user (NotAuthorizedException, UserNotFoundException), as the client's
// PreventUserExistenceErrors says. In a sign-in by the browser, an error of PreSignUp or
// PreTokenGeneration redirects to the client's callback URL with error=invalid_request and the
// text as error_description, so that the user sees it.
//
// Handle must be safe for concurrent use. It runs outside any transaction. An implementation
// that calls a function in another process uses [RevealJSON] and [ReadResponse].
//
// Source: Cognito developer guide, "Customizing user pool workflows with Lambda triggers".
type Triggers interface {
	Handle(ctx context.Context, e Event) (Response, error)
}

// ErrUnavailable means that [Triggers] could not call a function: it does not exist, must not
// be called, or did not answer.
var ErrUnavailable = errors.New("plug: function unavailable")

// Event is an event of [Triggers]: a pointer to one of the types of this package.
type Event interface {
	// Common returns what all events have.
	Common() *EventCommon
}

// Response is the answer to an [Event]: a pointer to one of the types of this package.
type Response interface {
	response()
}

// NoClient is CallerContext.ClientID of administrators' calls that name no app client.
const NoClient = "CLIENT_ID_NOT_APPLICABLE"

// EventCommon is what all events have. The JSON of events has the members that Cognito passes
// to functions, without response and with secrets redacted; see [RevealJSON].
type EventCommon struct {
	Version       string        `json:"version"`       // "1"; of token generation also "2" and "3"
	TriggerSource string        `json:"triggerSource"` // the event and its occasion, such as "PreSignUp_SignUp"
	Region        string        `json:"region"`
	UserPoolID    string        `json:"userPoolId"`
	UserName      string        `json:"userName"`
	CallerContext CallerContext `json:"callerContext"`
}

// Common returns c.
func (c *EventCommon) Common() *EventCommon { return c }

// CallerContext says where a call came from.
type CallerContext struct {
	AWSSDKVersion string `json:"awsSdkVersion"`
	ClientID      string `json:"clientId"` // or NoClient
}
