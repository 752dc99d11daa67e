package plug

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// Attributes are the attributes of a user by name. All values are texts, such as "true" of
// email_verified. The JSON of nil is {}.
type Attributes map[string]string

// MarshalJSON returns a JSON object, also of nil.
func (a Attributes) MarshalJSON() ([]byte, error) { return marshalMap(a) }

// ChallengeParameters are the parameters of a custom challenge. The JSON of nil is {}.
type ChallengeParameters map[string]string

// MarshalJSON returns a JSON object, also of nil.
func (p ChallengeParameters) MarshalJSON() ([]byte, error) { return marshalMap(p) }

func marshalMap(m map[string]string) ([]byte, error) {
	if m == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(m)
}

// ChallengeResults are the answered challenges of a custom sign-in, oldest first. The JSON of
// nil is [].
type ChallengeResults []ChallengeResult

// MarshalJSON returns a JSON array, also of nil.
func (r ChallengeResults) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]ChallengeResult{}, r...))
}

// Claims are claims of a token, or what a provider says about a user. Values are texts,
// numbers, booleans, lists and objects, as encoding/json has them. Numbers that are decoded
// from JSON are of type [json.Number], which keeps all digits.
type Claims map[string]any

// UnmarshalJSON decodes a JSON object and adds its members.
func (c *Claims) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode((*map[string]any)(c))
}

// MarshalJSON returns the JSON that Cognito sends: empty lists, and null without a preferred
// role.
func (g GroupConfiguration) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Groups []string `json:"groupsToOverride"`
		Roles  []string `json:"iamRolesToOverride"`
		Role   *string  `json:"preferredRole"`
	}{append([]string{}, g.GroupsToOverride...), append([]string{}, g.IAMRolesToOverride...), textOrNull(g.PreferredRole)})
}

// MarshalJSON returns the JSON that Cognito sends: usernameParameter is null if empty.
func (r CustomMessageRequest) MarshalJSON() ([]byte, error) {
	type plain CustomMessageRequest
	return json.Marshal(struct {
		plain
		UsernameParameter *string `json:"usernameParameter"`
	}{plain(r), textOrNull(r.UsernameParameter)})
}

// MarshalJSON returns the JSON that Cognito sends, but with "[redacted]" for the code. The
// code of a notification is null.
func (r CustomSenderRequest) MarshalJSON() ([]byte, error) {
	code := ""
	if !r.Code.IsZero() {
		code = redacted
	}
	return json.Marshal(r.withCode(code))
}

// withCode returns what is encoded of r: code, or null if that is empty, in place of Code.
func (r CustomSenderRequest) withCode(code string) any {
	type plain CustomSenderRequest
	return struct {
		plain
		Code *string `json:"code"`
	}{plain(r), textOrNull(code)}
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// RevealJSON returns an event as Cognito passes it to a function, for [Triggers] that call a
// function in another process: an AWS Lambda function or a web server. The output contains
// secrets in clear text: the password of [UserMigration], the answer of
// [VerifyAuthChallenge] and the code of [CustomSender]. Do not log it, and send it over TLS or
// the loopback interface only. [json.Marshal] of an event redacts them.
//
// The member response has the values that Cognito sends, for the function to fill in; see
// [ReadResponse].
func RevealJSON(e Event) ([]byte, error) {
	if v := reflect.ValueOf(e); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, errors.New("plug: encode event: event is nil")
	}
	request, response := formOf(e)
	if request == nil {
		return nil, fmt.Errorf("plug: encode event: unknown type %T", e)
	}
	text, err := json.Marshal(struct {
		*EventCommon
		Request  any             `json:"request"`
		Response json.RawMessage `json:"response"`
	}{e.Common(), request, json.RawMessage(response)})
	if err != nil {
		return nil, fmt.Errorf("plug: encode event: %w", err)
	}
	return text, nil
}

// formOf returns the request of an event with its secrets, and the JSON of its response before
// a function has changed it.
func formOf(e Event) (request any, response string) {
	switch e := e.(type) {
	case *PreSignUp:
		return e.Request, `{"autoConfirmUser":false,"autoVerifyEmail":false,"autoVerifyPhone":false}`
	case *PostConfirmation:
		return e.Request, `{}`
	case *UserMigration:
		return struct {
			UserMigrationRequest
			Password string `json:"password,omitempty"`
		}{e.Request, e.Request.Password.Reveal()}, `{"userAttributes":null,"forceAliasCreation":null,"enableSMSMFA":null,"finalUserStatus":null,"messageAction":null,"desiredDeliveryMediums":null}`
	case *InboundFederation:
		return e.Request, `{"userAttributesToMap":{}}`
	case *PreAuthentication:
		return e.Request, `{}`
	case *PostAuthentication:
		return e.Request, `{}`
	case *DefineAuthChallenge:
		return e.Request, `{"challengeName":null,"issueTokens":false,"failAuthentication":false}`
	case *CreateAuthChallenge:
		return e.Request, `{"publicChallengeParameters":null,"privateChallengeParameters":null,"challengeMetadata":null}`
	case *VerifyAuthChallenge:
		return struct {
			VerifyAuthChallengeRequest
			ChallengeAnswer string `json:"challengeAnswer"`
		}{e.Request, e.Request.ChallengeAnswer.Reveal()}, `{"answerCorrect":false}`
	case *PreTokenGeneration:
		if e.Version == "1" {
			return e.Request, `{"claimsOverrideDetails":null}`
		}
		return e.Request, `{"claimsAndScopeOverrideDetails":null}`
	case *CustomMessage:
		return e.Request, `{"smsMessage":null,"emailMessage":null,"emailSubject":null}`
	case *CustomSender:
		return e.Request.withCode(e.Request.Code.Reveal()), `{}`
	}
	return nil, ""
}

// ErrInvalidResponse means that a function did not return the event with a response that
// belongs to it.
var ErrInvalidResponse = errors.New("plug: invalid response of a trigger")

// ReadResponse reads what a function returned for an event: the event's JSON with the member
// response filled in. It returns nil for events that have no response. Its errors match
// [ErrInvalidResponse]. Bound the size of text before.
func ReadResponse(e Event, text []byte) (Response, error) {
	var returned struct {
		Response json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(text, &returned); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidResponse, err)
	}
	response := newResponse(e)
	if response == nil {
		if trimmed := bytes.TrimSpace(text); trimmed[0] != '{' {
			return nil, fmt.Errorf("%w: not a JSON object", ErrInvalidResponse)
		}
		return nil, nil
	}
	if len(returned.Response) == 0 || returned.Response[0] != '{' {
		return nil, fmt.Errorf("%w: member response is not a JSON object", ErrInvalidResponse)
	}
	if err := json.Unmarshal(returned.Response, response); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidResponse, err)
	}
	return response, nil
}

// newResponse returns an empty response of an event, or nil if the event has none.
func newResponse(e Event) Response {
	switch e := e.(type) {
	case *PreSignUp:
		return &PreSignUpResponse{}
	case *UserMigration:
		return &UserMigrationResponse{}
	case *InboundFederation:
		return &InboundFederationResponse{}
	case *DefineAuthChallenge:
		return &DefineAuthChallengeResponse{}
	case *CreateAuthChallenge:
		return &CreateAuthChallengeResponse{}
	case *VerifyAuthChallenge:
		return &VerifyAuthChallengeResponse{}
	case *PreTokenGeneration:
		if e.Version == "1" {
			return &PreTokenGenerationV1Response{}
		}
		return &PreTokenGenerationResponse{}
	case *CustomMessage:
		return &CustomMessageResponse{}
	}
	return nil
}
