package wire_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// sdkInput has the kinds of fields that inputs of aws-sdk-go-v2 have.
type sdkInput struct {
	UserPoolId *string
	Permanent  bool
	Limit      *int32
	Validity   int32
	Mode       sdkMode
	Names      []string
	Tags       map[string]string
	Nested     *sdkInput
	At         *time.Time
	Blob       []byte
	noSerde    //lint:ignore U1000 the types of aws-sdk-go-v2 have such a field
}

type sdkMode string

type noSerde struct{}

func TestEncodeValue(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 8, 0, 0, 250_000_000, time.UTC)
	for name, test := range map[string]struct {
		value any
		want  string
	}{
		"nil":                 {nil, `null`},
		"nil map":             {map[string]any(nil), `null`},
		"nil pointer":         {(*sdkInput)(nil), `null`},
		"zero fields":         {sdkInput{}, `{}`},
		"zero behind pointer": {&sdkInput{UserPoolId: new(""), Limit: new(int32(0)), Nested: &sdkInput{}}, `{"UserPoolId":"","Limit":0,"Nested":{}}`},
		"fields":              {sdkInput{Permanent: true, Validity: 5, Mode: "ON", Names: []string{}, Blob: []byte{1}}, `{"Permanent":true,"Validity":5,"Mode":"ON","Names":[],"Blob":"AQ=="}`},
		"time":                {map[string]any{"At": at}, `{"At":1796112000.25}`},
		"time behind pointer": {sdkInput{At: &at}, `{"At":1796112000.25}`},
		"nil in a map":        {map[string]any{"Names": []string(nil)}, `{"Names":null}`},
		"tags": {struct {
			Name string `json:"UserPoolId"`
			Kept string `json:"-"`
		}{"a", "b"}, `{"UserPoolId":"a"}`},
		"shape":     {&wire.AdminSetUserPasswordRequest{UserPoolId: "p", Password: "hunter2"}, `{"UserPoolId":"p","Password":"hunter2"}`},
		"sensitive": {map[string]any{"Password": wire.Sensitive("hunter2")}, `{"Password":"hunter2"}`},
		"secret":    {map[string]any{"Password": secret.New("hunter2")}, `{"Password":"hunter2"}`},
		"no secret": {struct{ Password secret.String }{}, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.EncodeValue(test.value)
			if err != nil || string(got) != test.want {
				t.Errorf("EncodeValue = %s, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestDecodeValue(t *testing.T) {
	t.Parallel()
	const answer = `{"UserPoolId":"p","Permanent":true,"Limit":7,"Mode":"ON","Names":["a"],"Tags":{"k":"v"},"At":1796112000.25,"Blob":"AQ==","More":1}`
	at := time.Date(2026, 12, 1, 8, 0, 0, 250_000_000, time.UTC)
	var out sdkInput
	if err := wire.DecodeValue([]byte(answer), &out); err != nil {
		t.Fatal(err)
	}
	want := sdkInput{
		UserPoolId: new("p"), Permanent: true, Limit: new(int32(7)), Mode: "ON", Names: []string{"a"},
		Tags: map[string]string{"k": "v"}, At: &at, Blob: []byte{1},
	}
	if diff := cmp.Diff(want, out, cmp.AllowUnexported(sdkInput{}, noSerde{})); diff != "" {
		t.Error(diff)
	}
	var members map[string]any
	if err := wire.DecodeValue([]byte(answer), &members); err != nil || members["Limit"] != 7.0 || members["Mode"] != "ON" {
		t.Errorf("DecodeValue into a map: %v, %v", members, err)
	}
	if err := wire.DecodeValue([]byte(`{"At":"yesterday"}`), &out); err == nil {
		t.Error("a text was read into a time")
	}
}
