package wiretap

import (
	"net/http"
	"strings"
	"testing"
)

// The judge must find fault with what is wrong, or it proves nothing.
func TestCheckRequestFindsFault(t *testing.T) {
	t.Parallel()
	good := `{"AuthFlow":"USER_PASSWORD_AUTH","ClientId":"c","AuthParameters":{"USERNAME":"u","PASSWORD":"p"}}`
	for _, test := range []struct{ name, service, operation, body, fault string }{
		{"right", "", "InitiateAuth", good, ""},
		{"member of another name", "", "InitiateAuth", strings.Replace(good, "ClientId", "ClientID", 1), `no member "ClientID"`},
		{"member in lower case", "", "InitiateAuth", strings.Replace(good, "AuthFlow", "authFlow", 1), `no member "authFlow"`},
		{"member of another type", "", "InitiateAuth", strings.Replace(good, `"c"`, `7`, 1), "cannot unmarshal"},
		{"text outside the enumeration", "", "InitiateAuth", strings.Replace(good, "USER_PASSWORD_AUTH", "PASSWORD_AUTH", 1), "is no AuthFlowType"},
		{"member that is missing", "", "InitiateAuth", strings.Replace(good, `"ClientId":"c",`, "", 1), "missing required field"},
		{"member that is null", "", "InitiateAuth", strings.Replace(good, `{"Auth`, `{"Session":null,"Auth`, 1), "not what the SDK would have sent"},
		{"operation that is none", "", "InitAuth", good, "no operation of the SDK"},
		{"member deep inside", "", "AdminCreateUser", `{"UserPoolId":"p_1","Username":"u","UserAttributes":[{"Name":"a","value":"b"}]}`, `no member "value"`},
		{"right identity", "AWSCognitoIdentityService", "GetId", `{"IdentityPoolId":"p","Logins":{"a":"b"}}`, ""},
		{"identity's member of another name", "AWSCognitoIdentityService", "GetId", `{"IdentityPoolID":"p"}`, `no member "IdentityPoolID"`},
		{"operation of the other API", "AWSCognitoIdentityService", "InitiateAuth", good, "no operation of the SDK"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := Exchange{Service: test.service, Operation: test.operation, Request: []byte(test.body), Status: http.StatusOK, Answer: []byte("{}")}
			fits(t, CheckRequest(e), test.fault)
		})
	}
}

func TestCheckAnswerFindsFault(t *testing.T) {
	t.Parallel()
	refused := `{"__type":"NotAuthorizedException","message":"no"}`
	for _, test := range []struct {
		name   string
		status int
		header string
		body   string
		fault  string
	}{
		{"right", 200, "", `{"AuthenticationResult":{"AccessToken":"a","ExpiresIn":3600}}`, ""},
		{"member that is none", 200, "", `{"AuthenticationResult":{"Token":"a"}}`, `no member "Token"`},
		{"right error", 400, "NotAuthorizedException:", refused, ""},
		{"error without header", 400, "", refused, "x-amzn-ErrorType"},
		{"error of another name", 400, "UserNotFoundException:", refused, "the SDK reads UserNotFoundException"},
		{"error with capital message", 400, "NotAuthorizedException:", strings.Replace(refused, "message", "Message", 1), "is not Cognito's"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := Exchange{Operation: "InitiateAuth", Status: test.status, Reply: http.Header{}, Answer: []byte(test.body)}
			if test.header != "" {
				e.Reply.Set("X-Amzn-Errortype", test.header)
			}
			fits(t, CheckAnswer(e), test.fault)
		})
	}
}

func fits(t *testing.T, err error, fault string) {
	t.Helper()
	if err == nil && fault == "" {
		return
	}
	if err == nil || fault == "" || !strings.Contains(err.Error(), fault) {
		t.Errorf("fault %v, want %q", err, fault)
	}
}
