package plug

// CustomMessage comes before the [Messenger] sends a message with a code, unless the pool has a
// custom sender for the medium. Its sources are CustomMessage_SignUp, _AdminCreateUser,
// _ResendCode, _ForgotPassword, _UpdateUserAttribute, _VerifyUserAttribute and _Authentication
// (the code of a second factor).
type CustomMessage struct {
	EventCommon
	Request CustomMessageRequest `json:"request"`
}

// CustomMessageRequest has the placeholders for a text; the code itself is not given.
type CustomMessageRequest struct {
	UserAttributes    Attributes        `json:"userAttributes"`
	CodeParameter     string            `json:"codeParameter"`     // "{####}"
	LinkParameter     string            `json:"linkParameter"`     // "{##Click Here##}"
	UsernameParameter string            `json:"usernameParameter"` // "{username}", of AdminCreateUser
	ClientMetadata    map[string]string `json:"clientMetadata,omitempty"`
}

// CustomMessageResponse answers [CustomMessage]. The pool's template replaces a text that is
// empty or lacks the placeholder of the code.
type CustomMessageResponse struct {
	SMSMessage   string `json:"smsMessage,omitempty"`
	EmailMessage string `json:"emailMessage,omitempty"`
	EmailSubject string `json:"emailSubject,omitempty"`
}

// Values of CustomSenderRequest.Type.
const (
	CustomEmailSenderType = "customEmailSenderRequestV1"
	CustomSMSSenderType   = "customSMSSenderRequestV1"
)

// CustomSender comes in place of a message of the [Messenger], where the pool has a custom
// sender for the medium. Its sources are CustomEmailSender_SignUp, _ResendCode,
// _ForgotPassword, _UpdateUserAttribute, _VerifyUserAttribute, _AdminCreateUser,
// _Authentication and _AccountTakeOverNotification, and those of CustomSMSSender without the
// last. Its response is nil. It is asynchronous: neither a response nor an error changes the
// answer of the operation.
type CustomSender struct {
	EventCommon
	Request CustomSenderRequest `json:"request"`
}

// CustomSenderRequest is the message. Code is the code itself; Cognito encrypts it with a key
// of AWS KMS.
type CustomSenderRequest struct {
	Type           string            `json:"type"`
	Code           Secret            `json:"code"` // empty for a notification
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	UserAttributes Attributes        `json:"userAttributes"`
}

func (*CustomMessageResponse) response() {}
