package plug

import "context"

// Triggers is code of a program that runs at points of sign-up, sign-in and token issue, as
// the Lambda triggers of Cognito do. Handle gets one of the event types of this package,
// such as [*PreSignUp], and returns the response type that belongs to it, or nil to change
// nothing.
//
// An error refuses the operation with UserLambdaValidationException and the error's text,
// which the caller sees: "PreSignUp failed with error <text>." A response of another event
// is InvalidLambdaResponseException. A call that takes longer than five seconds is
// UnexpectedLambdaException. Events of the senders and of PostConfirmation come after the
// change: their errors undo nothing. (Cognito developer guide, "Customizing user pool
// workflows with Lambda triggers".)
//
// Handle must be safe for concurrent use. It runs outside any transaction.
//
// The service does not call triggers yet, so server.Config has no field for them, and a
// pool's LambdaConfig is refused by name.
type Triggers interface {
	Handle(ctx context.Context, e Event) (Response, error)
}

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

// EventCommon is what all events have. Its JSON, and that of the events, is the one that
// Cognito passes to functions.
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
