package wire_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"pgregory.net/rapid"
)

func TestUnmarshalIsStrict(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return `{"X":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for name, body := range map[string]string{
		"empty":                        ``,
		"only space":                   " \n",
		"null":                         `null`,
		"array":                        `[]`,
		"text":                         `"x"`,
		"unfinished":                   `{"ClientId":"a`,
		"unfinished object":            `{"ClientId":"a"`,
		"text after":                   `{"ClientId":"a"} x`,
		"second object":                `{"ClientId":"a"}{"ClientId":"b"}`,
		"name twice":                   `{"ClientId":"a","ClientId":"b"}`,
		"name twice, once escaped":     `{"ClientId":"a","\u0043lientId":"b"}`,
		"unknown name twice":           `{"X":1,"X":2}`,
		"name twice inside":            `{"X":{"a":1,"a":2}}`,
		"parameter twice":              `{"AuthParameters":{"USERNAME":"a","USERNAME":"b"}}`,
		"bad UTF-8":                    "{\"ClientId\":\"\xff\"}",
		"bad UTF-8 in a parameter":     "{\"AuthParameters\":{\"USERNAME\":\"\xc0\xaf\"}}",
		"lone surrogate":               `{"ClientId":"\ud800"}`,
		"byte order mark":              "\ufeff{}",
		"control character":            "{\"ClientId\":\"a\x01\"}",
		"comment":                      `{/**/}`,
		"trailing comma":               `{"ClientId":"a",}`,
		"single quotes":                `{'ClientId':'a'}`,
		"number for text":              `{"ClientId":1}`,
		"bool for text":                `{"ClientId":true}`,
		"object for text":              `{"ClientId":{}}`,
		"list for text":                `{"ClientId":["a"]}`,
		"text for object":              `{"AuthParameters":"a"}`,
		"list for object":              `{"AuthParameters":[]}`,
		"number for a parameter":       `{"AuthParameters":{"USERNAME":1}}`,
		"object for a parameter":       `{"AuthParameters":{"USERNAME":{}}}`,
		"text for a shape":             `{"UserContextData":"x"}`,
		"NaN":                          `{"X":NaN}`,
		"one level too deep":           deep(32),
		"much too deep":                deep(100_000),
		"too deep in a known member":   `{"AuthParameters":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40) + `}`,
		"too deep after brackets text": `{"Y":"[[[]]]","X":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	} {
		var request wire.InitiateAuthRequest
		err := wire.Unmarshal([]byte(body), &request)
		if !wire.IsException(err, wire.SerializationException) {
			t.Errorf("%s: %v, want a SerializationException", name, err)
		}
	}
}

func TestUnmarshalIsLenientWhereAWSIs(t *testing.T) {
	t.Parallel()
	want := wire.InitiateAuthRequest{ClientId: "c", AuthParameters: wire.Parameters{"USERNAME": "u"}}
	for name, body := range map[string]string{
		"plain":            `{"ClientId":"c","AuthParameters":{"USERNAME":"u"}}`,
		"space":            " \t\r\n{ \"ClientId\" : \"c\" , \"AuthParameters\" : { \"USERNAME\" : \"u\" } }\n",
		"escapes":          `{"\u0043lientId":"\u0063","AuthParameters":{"USERNAM\u0045":"\u0075"}}`,
		"unknown member":   `{"ClientId":"c","AuthParameters":{"USERNAME":"u"},"New":{"a":[1,{"b":null}]}}`,
		"other case":       `{"ClientId":"c","clientid":"x","CLIENTID":1,"AuthParameters":{"USERNAME":"u"}}`,
		"null is absent":   `{"ClientId":"c","AuthParameters":{"USERNAME":"u","PASSWORD":null},"Session":null,"UserContextData":null,"AuthFlow":null}`,
		"brackets in text": `{"ClientId":"c","AuthParameters":{"USERNAME":"u"},"X":"` + strings.Repeat(`[{\"`, 50) + `"}`,
		"many, not deep":   `{"ClientId":"c","AuthParameters":{"USERNAME":"u"},"X":[` + strings.Repeat(`[],`, 50) + `[]]}`,
		"31 levels inside": `{"ClientId":"c","AuthParameters":{"USERNAME":"u"},"X":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`,
	} {
		var request wire.InitiateAuthRequest
		if err := wire.Unmarshal([]byte(body), &request); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, request); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestUnmarshalTellsEmptyFromAbsent(t *testing.T) {
	t.Parallel()
	var request wire.AdminUpdateUserAttributesRequest
	if err := wire.Unmarshal([]byte(`{"UserAttributes":[]}`), &request); err != nil || request.UserAttributes == nil {
		t.Errorf("an empty list became %v, %v", request.UserAttributes, err)
	}
	var client wire.UpdateUserPoolClientRequest
	err := wire.Unmarshal([]byte(`{"EnableTokenRevocation":false,"RefreshTokenValidity":0}`), &client)
	if err != nil || client.EnableTokenRevocation == nil || client.RefreshTokenValidity == nil || client.AccessTokenValidity != nil {
		t.Errorf("zero and absent are the same: %+v, %v", client, err)
	}
}

func TestUnmarshalNeverRepeatsContent(t *testing.T) {
	t.Parallel()
	const canary = "s3cr3t-canary"
	for _, body := range []string{
		`{"AuthParameters":{"PASSWORD":"` + canary,
		`{"` + canary + `":1,"` + canary + `":2}`,
		`{"Session":["` + canary + `"]}`,
		`{"AuthParameters":{"` + canary + `":{"PASSWORD":"` + canary + `"}}}`,
		`{"ClientId":` + canary + `}`,
	} {
		err := wire.Unmarshal([]byte(body), new(wire.InitiateAuthRequest))
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestDocumentIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		`{"AnalyticsConfiguration": { "A" : [1, 2.50, "\u00e9"], "B": {} } }`: `{"AnalyticsConfiguration":{"A":[1,2.50,"é"],"B":{}}}`,
		`{"AnalyticsConfiguration":{}}`:                                       `{"AnalyticsConfiguration":{}}`,
		`{"AnalyticsConfiguration":null}`:                                     `{}`,
		`{}`:                                                                  `{}`,
	} {
		var request wire.UpdateUserPoolClientRequest
		if err := wire.Unmarshal([]byte(sent), &request); err != nil {
			t.Errorf("%s: %v", sent, err)
		}
		if got, err := wire.Marshal(request); err != nil || string(got) != want {
			t.Errorf("%s came back as %s, %v; want %s", sent, got, err, want)
		}
	}
	for _, sent := range []string{`{"AnalyticsConfiguration":[]}`, `{"AnalyticsConfiguration":"x"}`, `{"AnalyticsConfiguration":{"a":1,"a":2}}`} {
		if err := wire.Unmarshal([]byte(sent), new(wire.UpdateUserPoolClientRequest)); err == nil {
			t.Errorf("%s was taken", sent)
		}
	}
}

func TestParametersRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sent := wire.RespondToAuthChallengeRequest{
			ClientId:           rapid.String().Draw(t, "client"),
			Session:            wire.Sensitive(rapid.String().Draw(t, "session")),
			ChallengeResponses: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "responses"),
		}
		body, err := wire.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		var read wire.RespondToAuthChallengeRequest
		if err := wire.Unmarshal(body, &read); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if !reflect.DeepEqual(sent, read) {
			t.Fatalf("read back something else from %s", body)
		}
	})
}

func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[`, `{"AuthFlow":"USER_SRP_AUTH","ClientId":"a","AuthParameters":{"USERNAME":"u","SRP_A":"0f"}}`,
		`{"Session":"\ud83d\ude00","ClientMetadata":{"a":null}}`, `{"X":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]`, `{"UserContextData":{"IpAddress":"::1"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var first, second wire.InitiateAuthRequest
		if err := wire.Unmarshal(body, &first); err != nil {
			if !wire.IsException(err, wire.SerializationException) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if err := wire.Validate(&first); err != nil && !wire.IsException(err, wire.InvalidParameterException) {
			t.Fatalf("another error: %v", err)
		}
		again, err := wire.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := wire.Unmarshal(again, &second); err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%q became %q: %v", body, again, err)
		}
	})
}

func BenchmarkUnmarshalInitiateAuth(b *testing.B) {
	body := []byte(`{"AuthFlow":"REFRESH_TOKEN_AUTH","ClientId":"1example23456789abcdefghij","AuthParameters":{"REFRESH_TOKEN":"` + strings.Repeat("eyJjdHkiOiJKV1Qi", 110) + `"}}`)
	b.ReportAllocs()
	for b.Loop() {
		var request wire.InitiateAuthRequest
		if err := wire.Unmarshal(body, &request); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalTokens(b *testing.B) {
	token := wire.Sensitive(strings.Repeat("eyJjdHkiOiJKV1Qi", 70))
	response := &wire.InitiateAuthResponse{AuthenticationResult: &wire.AuthenticationResultType{
		AccessToken: token, IdToken: token, RefreshToken: token, ExpiresIn: 3600, TokenType: wire.TokenTypeBearer}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Marshal(response); err != nil {
			b.Fatal(err)
		}
	}
}
