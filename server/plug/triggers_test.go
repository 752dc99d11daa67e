package plug_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// TestEventsHaveCognitosJSON compares events with the JSON that Cognito passes to functions
// (developer guide, the pages of the Lambda triggers).
func TestEventsHaveCognitosJSON(t *testing.T) {
	t.Parallel()
	common := plug.EventCommon{
		Version: "1", TriggerSource: "Source", Region: "us-east-1", UserPoolID: "us-east-1_Pool00001", UserName: "ann",
		CallerContext: plug.CallerContext{AWSSDKVersion: "aws-sdk-1", ClientID: "client"},
	}
	user, values := map[string]string{"sub": "s-1", "email_verified": "true"}, map[string]string{"k": "v"}
	const userJSON, valuesJSON = `{"sub": "s-1", "email_verified": "true"}`, `{"k": "v"}`
	for name, test := range map[string]struct {
		event   plug.Event
		request string
	}{
		"PreSignUp": {&plug.PreSignUp{common, plug.PreSignUpRequest{user, values, values}},
			`{"userAttributes": USER, "validationData": VALUES, "clientMetadata": VALUES}`},
		"PostConfirmation": {&plug.PostConfirmation{common, plug.PostConfirmationRequest{user, values}},
			`{"userAttributes": USER, "clientMetadata": VALUES}`},
		"PreAuthentication": {&plug.PreAuthentication{common, plug.PreAuthenticationRequest{UserAttributes: user, ValidationData: values}},
			`{"userAttributes": USER, "validationData": VALUES, "userNotFound": false}`},
		"PostAuthentication": {&plug.PostAuthentication{common, plug.PostAuthenticationRequest{UserAttributes: user, NewDeviceUsed: true}},
			`{"userAttributes": USER, "newDeviceUsed": true}`},
		"DefineAuthChallenge": {&plug.DefineAuthChallenge{common, plug.DefineAuthChallengeRequest{UserAttributes: user, Session: []plug.ChallengeResult{{ChallengeName: "SRP_A", ChallengeResult: true}}}},
			`{"userAttributes": USER, "session": [{"challengeName": "SRP_A", "challengeResult": true}], "userNotFound": false}`},
		"CreateAuthChallenge": {&plug.CreateAuthChallenge{common, plug.CreateAuthChallengeRequest{UserAttributes: user, ChallengeName: "CUSTOM_CHALLENGE", Session: []plug.ChallengeResult{}}},
			`{"userAttributes": USER, "challengeName": "CUSTOM_CHALLENGE", "session": [], "userNotFound": false}`},
		"VerifyAuthChallenge": {&plug.VerifyAuthChallenge{common, plug.VerifyAuthChallengeRequest{UserAttributes: user, PrivateChallengeParameters: values, ChallengeAnswer: plug.NewSecret("42")}},
			`{"userAttributes": USER, "privateChallengeParameters": VALUES, "challengeAnswer": "[redacted]", "userNotFound": false}`},
		"PreTokenGeneration": {&plug.PreTokenGeneration{common, plug.PreTokenGenerationRequest{
			UserAttributes: user, GroupConfiguration: plug.GroupConfiguration{GroupsToOverride: []string{"g"}, IAMRolesToOverride: []string{}, PreferredRole: "r"}, Scopes: []string{"openid"},
		}}, `{"userAttributes": USER, "groupConfiguration": {"groupsToOverride": ["g"], "iamRolesToOverride": [], "preferredRole": "r"}, "scopes": ["openid"]}`},
		"UserMigration": {&plug.UserMigration{common, plug.UserMigrationRequest{Password: plug.NewSecret("p"), ValidationData: values}},
			`{"password": "[redacted]", "validationData": VALUES}`},
		"CustomMessage": {&plug.CustomMessage{common, plug.CustomMessageRequest{UserAttributes: user, CodeParameter: "{####}", LinkParameter: "{##Click Here##}"}},
			`{"userAttributes": USER, "codeParameter": "{####}", "linkParameter": "{##Click Here##}", "usernameParameter": null}`},
		"CustomMessage of AdminCreateUser": {&plug.CustomMessage{common, plug.CustomMessageRequest{UserAttributes: user, CodeParameter: "{####}", UsernameParameter: "{username}"}},
			`{"userAttributes": USER, "codeParameter": "{####}", "linkParameter": "", "usernameParameter": "{username}"}`},
		"CustomSender": {&plug.CustomSender{common, plug.CustomSenderRequest{Type: plug.CustomEmailSenderType, Code: plug.NewSecret("1"), UserAttributes: user}},
			`{"type": "customEmailSenderRequestV1", "code": "[redacted]", "userAttributes": USER}`},
		"CustomSender of a notification": {&plug.CustomSender{common, plug.CustomSenderRequest{Type: plug.CustomEmailSenderType, UserAttributes: user}},
			`{"type": "customEmailSenderRequestV1", "code": null, "userAttributes": USER}`},
		"DefineAuthChallenge at its begin": {&plug.DefineAuthChallenge{common, plug.DefineAuthChallengeRequest{}},
			`{"userAttributes": {}, "session": [], "userNotFound": false}`},
		"VerifyAuthChallenge of an unknown user": {&plug.VerifyAuthChallenge{EventCommon: common},
			`{"userAttributes": {}, "privateChallengeParameters": {}, "challengeAnswer": "[redacted]", "userNotFound": false}`},
		"PreTokenGeneration without a user": {&plug.PreTokenGeneration{EventCommon: common},
			`{"userAttributes": {}, "groupConfiguration": {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": null}}`},
		"InboundFederation": {&plug.InboundFederation{common, plug.InboundFederationRequest{ProviderName: "corp", ProviderType: "OIDC", Attributes: plug.FederatedAttributes{IDToken: map[string]any{"sub": "x"}}}},
			`{"providerName": "corp", "providerType": "OIDC", "attributes": {"idToken": {"sub": "x"}}}`},
	} {
		if test.event.Common().UserName != "ann" {
			t.Errorf("%s: common part %+v", name, test.event.Common())
		}
		request := strings.NewReplacer("USER", userJSON, "VALUES", valuesJSON).Replace(test.request)
		want := `{"version": "1", "triggerSource": "Source", "region": "us-east-1", "userPoolId": "us-east-1_Pool00001", "userName": "ann",
			"callerContext": {"awsSdkVersion": "aws-sdk-1", "clientId": "client"}, "request": ` + request + `}`
		compareJSON(t, name, test.event, want)
	}
}

// TestResponsesHaveCognitosJSON compares responses with what functions return.
func TestResponsesHaveCognitosJSON(t *testing.T) {
	t.Parallel()
	v1, v2 := &plug.PreTokenGenerationV1Response{}, &plug.PreTokenGenerationResponse{}
	v1.ClaimsOverrideDetails.ClaimsToAddOrOverride = map[string]string{"a": "1"}
	v1.ClaimsOverrideDetails.ClaimsToSuppress = []string{"email"}
	v2.ClaimsAndScopeOverrideDetails.IDTokenGeneration.ClaimsToAddOrOverride = plug.Claims{"n": 1, "l": []string{"x"}}
	v2.ClaimsAndScopeOverrideDetails.AccessTokenGeneration.ScopesToAdd = []string{"orders/read"}
	v2.ClaimsAndScopeOverrideDetails.AccessTokenGeneration.ClaimsToSuppress = []string{"c"}
	for name, test := range map[string]struct {
		response plug.Response
		want     string
	}{
		"PreSignUp":                              {&plug.PreSignUpResponse{AutoConfirmUser: true}, `{"autoConfirmUser": true, "autoVerifyEmail": false, "autoVerifyPhone": false}`},
		"DefineAuthChallenge":                    {&plug.DefineAuthChallengeResponse{ChallengeName: "CUSTOM_CHALLENGE"}, `{"challengeName": "CUSTOM_CHALLENGE", "issueTokens": false, "failAuthentication": false}`},
		"CreateAuthChallenge":                    {&plug.CreateAuthChallengeResponse{PublicChallengeParameters: map[string]string{"a": "b"}, PrivateChallengeParameters: map[string]string{}}, `{"publicChallengeParameters": {"a": "b"}, "privateChallengeParameters": {}}`},
		"CreateAuthChallenge without parameters": {&plug.CreateAuthChallengeResponse{}, `{"publicChallengeParameters": {}, "privateChallengeParameters": {}}`},
		"VerifyAuthChallenge":                    {&plug.VerifyAuthChallengeResponse{AnswerCorrect: true}, `{"answerCorrect": true}`},
		"PreTokenGeneration V1":                  {v1, `{"claimsOverrideDetails": {"claimsToAddOrOverride": {"a": "1"}, "claimsToSuppress": ["email"]}}`},
		"PreTokenGeneration":                     {v2, `{"claimsAndScopeOverrideDetails": {"idTokenGeneration": {"claimsToAddOrOverride": {"n": 1, "l": ["x"]}}, "accessTokenGeneration": {"claimsToSuppress": ["c"], "scopesToAdd": ["orders/read"]}}}`},
		"UserMigration":                          {&plug.UserMigrationResponse{UserAttributes: map[string]string{"email": "a@b.c"}, FinalUserStatus: "CONFIRMED", MessageAction: "SUPPRESS"}, `{"userAttributes": {"email": "a@b.c"}, "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS"}`},
		"CustomMessage":                          {&plug.CustomMessageResponse{EmailSubject: "s", EmailMessage: "{####}"}, `{"emailSubject": "s", "emailMessage": "{####}"}`},
		"InboundFederation":                      {&plug.InboundFederationResponse{UserAttributesToMap: map[string]string{"email": "a@b.c"}}, `{"userAttributesToMap": {"email": "a@b.c"}}`},
	} {
		compareJSON(t, name, test.response, test.want)
	}
}

// compareJSON compares the JSON of a value with a text.
func compareJSON(t *testing.T, name string, value any, want string) {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var got, expected any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &expected); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
