package plug_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// allEvents returns one event of each type.
func allEvents() []plug.Event {
	return []plug.Event{
		&plug.PreSignUp{}, &plug.PostConfirmation{}, &plug.UserMigration{}, &plug.InboundFederation{}, &plug.PreAuthentication{}, &plug.PostAuthentication{},
		&plug.DefineAuthChallenge{}, &plug.CreateAuthChallenge{}, &plug.VerifyAuthChallenge{}, &plug.PreTokenGeneration{}, &plug.CustomMessage{}, &plug.CustomSender{},
	}
}

// fill sets each text, secret and map of a value, and returns the secrets.
func fill(v reflect.Value, path string) (secrets []string) {
	switch v.Interface().(type) {
	case plug.Secret:
		v.Set(reflect.ValueOf(plug.NewSecret("secret of " + path)))
		return []string{"secret of " + path}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			secrets = append(secrets, fill(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
	case reflect.String:
		v.SetString("text of " + path)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), reflect.ValueOf("text of "+path))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fill(v.Index(0), path)
	}
	return secrets
}

// TestRevealJSONRevealsSecrets encodes each type of event with all fields set: RevealJSON has
// the secrets in clear text, json.Marshal has none of them, and the rest is the same.
func TestRevealJSONRevealsSecrets(t *testing.T) {
	t.Parallel()
	total := 0
	for _, event := range allEvents() {
		name := reflect.TypeOf(event).Elem().Name()
		secrets := fill(reflect.ValueOf(event).Elem(), name)
		total += len(secrets)
		revealed, err := plug.RevealJSON(event)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		masked := string(revealed)
		for _, secret := range secrets {
			if !strings.Contains(masked, secret) || strings.Contains(string(plain), secret) {
				t.Errorf("%s: %q is in %s, or not in %s", name, secret, plain, revealed)
			}
			masked = strings.ReplaceAll(masked, secret, "[redacted]")
		}
		got, want := objectOf(t, masked), objectOf(t, string(plain))
		if _, ok := got["response"].(map[string]any); !ok {
			t.Errorf("%s: response is %v", name, got["response"])
		}
		delete(got, "response")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: RevealJSON differs from json.Marshal by more than secrets (-json +reveal):\n%s", name, diff)
		}
	}
	if total != 3 {
		t.Errorf("%d secrets in events, want 3", total)
	}
}

func objectOf(t *testing.T, text string) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return object
}

// strangeEvent is not an event of the package.
type strangeEvent struct{ plug.EventCommon }

func TestRevealJSONRefuses(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]plug.Event{
		"nil": nil, "a nil pointer": (*plug.UserMigration)(nil), "an unknown type": &strangeEvent{},
		"a claim that is a function": &plug.InboundFederation{Request: plug.InboundFederationRequest{Attributes: plug.FederatedAttributes{IDToken: plug.Claims{"f": func() {}}}}},
	} {
		if text, err := plug.RevealJSON(event); err == nil || text != nil {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

// TestReadResponseOfUnchangedEvent reads the event that RevealJSON sent: the response changes
// nothing.
func TestReadResponseOfUnchangedEvent(t *testing.T) {
	t.Parallel()
	want := map[string]plug.Response{
		"PreSignUp": &plug.PreSignUpResponse{}, "UserMigration": &plug.UserMigrationResponse{}, "InboundFederation": &plug.InboundFederationResponse{UserAttributesToMap: plug.Attributes{}},
		"DefineAuthChallenge": &plug.DefineAuthChallengeResponse{}, "CreateAuthChallenge": &plug.CreateAuthChallengeResponse{}, "VerifyAuthChallenge": &plug.VerifyAuthChallengeResponse{},
		"PreTokenGeneration": &plug.PreTokenGenerationResponse{}, "PreTokenGeneration 1": &plug.PreTokenGenerationV1Response{}, "CustomMessage": &plug.CustomMessageResponse{},
	}
	v1 := &plug.PreTokenGeneration{EventCommon: plug.EventCommon{Version: "1"}}
	for _, event := range append(allEvents(), v1) {
		name := strings.TrimSpace(reflect.TypeOf(event).Elem().Name() + " " + event.Common().Version)
		text, err := plug.RevealJSON(event)
		if err != nil {
			t.Fatal(err)
		}
		response, err := plug.ReadResponse(event, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want[name], response); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestReadResponseKeepsLargeNumbers decodes claims beyond 2^53 and encodes them again.
func TestReadResponseKeepsLargeNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "number")
		text := fmt.Sprintf(`{"response":{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"n":%d,"l":[{"m":%d}]},"scopesToAdd":["a"]}}}}`, n, n)
		response, err := plug.ReadResponse(&plug.PreTokenGeneration{EventCommon: plug.EventCommon{Version: "2"}}, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		details := response.(*plug.PreTokenGenerationResponse).ClaimsAndScopeOverrideDetails.AccessTokenGeneration
		encoded, err := json.Marshal(details.ClaimsToAddOrOverride)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`{"l":[{"m":%d}],"n":%d}`, n, n); string(encoded) != want || len(details.ScopesToAdd) != 1 {
			t.Errorf("claims %s and scopes %q, want claims %s", encoded, details.ScopesToAdd, want)
		}
	})
}

func TestReadResponseRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event plug.Event
		text  string
	}{
		"nothing":                       {&plug.PreSignUp{}, ""},
		"null":                          {&plug.PreSignUp{}, "null"},
		"no JSON":                       {&plug.PreSignUp{}, "Task timed out after 3.00 seconds"},
		"a text":                        {&plug.PreSignUp{}, `"ok"`},
		"no response":                   {&plug.PreSignUp{}, `{"request":{}}`},
		"response null":                 {&plug.PreSignUp{}, `{"response":null}`},
		"a field of another type":       {&plug.PreSignUp{}, `{"response":{"autoConfirmUser":"yes"}}`},
		"an answer that is a text":      {&plug.VerifyAuthChallenge{}, `{"response":{"answerCorrect":"true"}}`},
		"null for an event without one": {&plug.PostConfirmation{}, "null"},
		"trailing text":                 {&plug.PostConfirmation{}, "{} {}"},
	} {
		if response, err := plug.ReadResponse(test.event, []byte(test.text)); !errors.Is(err, plug.ErrInvalidResponse) || response != nil {
			t.Errorf("%s: %v, %v", name, response, err)
		}
	}
	if response, err := plug.ReadResponse(&plug.PostConfirmation{}, []byte(`{"response":{}}`)); err != nil || response != nil {
		t.Errorf("an event without a response: %v, %v", response, err)
	}
}
