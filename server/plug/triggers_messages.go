package plug

// CustomMessage comes before a message with a code is sent by the pool's own means. Its
// sources are CustomMessage_SignUp, _AdminCreateUser, _ResendCode, _ForgotPassword,
// _UpdateUserAttribute, _VerifyUserAttribute and _Authentication.
type CustomMessage struct {
	EventCommon
	Request CustomMessageRequest `json:"request"`
}

// CustomMessageRequest has the placeholders for a text; the code itself is not given.
type CustomMessageRequest struct {
	UserAttributes    map[string]string `json:"userAttributes"`
	CodeParameter     string            `json:"codeParameter"`               // "{####}"
	LinkParameter     string            `json:"linkParameter"`               // "{##Click Here##}"
	UsernameParameter string            `json:"usernameParameter,omitempty"` // "{username}", of AdminCreateUser
	ClientMetadata    map[string]string `json:"clientMetadata,omitempty"`
}

// CustomMessageResponse answers [CustomMessage]. An empty text, and one without the
// placeholder of the code, is replaced by the pool's.
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

// CustomSender has a message to send in the place of the pool. Its sources are
// CustomEmailSender_SignUp, _ResendCode, _ForgotPassword, _UpdateUserAttribute,
// _VerifyUserAttribute, _AdminCreateUser, _Authentication and
// _AccountTakeOverNotification, and those of CustomSMSSender without the last. Its
// response is nil. It has no effect on the operation.
type CustomSender struct {
	EventCommon
	Request CustomSenderRequest `json:"request"`
}

// CustomSenderRequest is the message. Cognito encrypts Code with a key of AWS KMS for its
// functions; here it is the code.
type CustomSenderRequest struct {
	Type           string            `json:"type"`
	Code           Secret            `json:"code,omitzero"` // not of a notification
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	UserAttributes map[string]string `json:"userAttributes"`
}

func (*CustomMessageResponse) response() {}
