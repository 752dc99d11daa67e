package jwt_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/jwt"
)

// decode returns the claims of a payload.
func decode(t testing.TB, payload string) jwt.Claims {
	t.Helper()
	u, err := jwt.Decode(b64([]byte(`{}`)) + "." + b64([]byte(payload)) + ".")
	if err != nil {
		t.Fatalf("payload %s: %v", payload, err)
	}
	return u.Claims()
}

func TestClaimsOfIDToken(t *testing.T) {
	t.Parallel()
	c := decode(t, idClaims().json())
	level, ok := c.Custom("level")
	_, none := c.Custom("nothing")
	got := []any{
		c.Subject(), c.Issuer(), c.Username(), c.ClientID(), c.Audience(), c.Use(), c.Groups(), c.Roles(),
		c.PreferredRole(), c.Expiry().UTC(), c.IssuedAt().UTC(), c.AuthTime().UTC(), c.NotBefore(),
		c.ID(), c.OriginID(), c.EventID(), c.Email(), c.EmailVerified(), c.Name(), c.PhoneNumber(),
		c.PhoneNumberVerified(), c.Nonce(), level, ok, none, c.CustomAttributes(), c.HasGroup("admins"), c.HasGroup("admin"),
	}
	want := []any{
		userID, issuer, "jane", client, []string{client}, "id", []string{"admins", "editors"},
		[]string{"arn:aws:iam::123456789012:role/admin"}, "arn:aws:iam::123456789012:role/admin",
		clock.Add(30 * time.Minute), clock.Add(-30 * time.Minute), clock.Add(-30 * time.Minute), time.Time{},
		"66666666-7777-4888-8999-000000000001", "11111111-2222-4333-8444-555555555555",
		"99999999-aaaa-4bbb-8ccc-dddddddddddd", "jane@example.com", true, "Jane Doe", "+15555550100", true,
		"n-0S6_WzA2Mj", "7", true, false, map[string]string{"tenant": "blue", "level": "7"}, true, false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNames checks the claims that name a person.
func TestNames(t *testing.T) {
	t.Parallel()
	c := decode(t, claims{"name": "Jane Doe", "given_name": "Jane", "family_name": "Doe", "preferred_username": "jd"}.json())
	got := []string{c.Name(), c.GivenName(), c.FamilyName(), c.PreferredUsername()}
	if diff := cmp.Diff([]string{"Jane Doe", "Jane", "Doe", "jd"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestClaimsOfAccessToken(t *testing.T) {
	t.Parallel()
	c := decode(t, accessClaims().json())
	version, _ := c.Lookup("version")
	groups, _ := c.Lookup("cognito:groups")
	use, _ := c.Lookup("token_use")
	_, none := c.Lookup("Version")
	got := []any{
		c.Username(), c.ClientID(), c.Audience(), c.Scopes(), c.HasScope("openid"), c.HasScope("open"),
		c.HasScope(""), c.DeviceKey(), string(version), string(groups), string(use), none,
	}
	want := []any{
		"jane", client, []string(nil), []string{"aws.cognito.signin.user.admin", "openid", "email"}, true, false,
		false, "eu-west-1_5f0e1d2c", "2", `["admins","editors","readers"]`, `"access"`, false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestClaimsOddities: what is absent or of another type is the zero value.
func TestClaimsOddities(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		payload string
		read    func(jwt.Claims) any
		want    any
	}{
		{`{}`, func(c jwt.Claims) any { return c.Subject() }, ""},
		{`{"sub":1}`, func(c jwt.Claims) any { return c.Subject() }, ""},
		{`{"SUB":"x"}`, func(c jwt.Claims) any { return c.Subject() }, ""},
		{`{"\u0073ub":"x"}`, func(c jwt.Claims) any { return c.Subject() }, "x"},
		{`{"sub":"\u00e9\ud83d\ude00\/\"\\\b\f\n\r\t"}`, func(c jwt.Claims) any { return c.Subject() }, "é😀/\"\\\b\f\n\r\t"},
		{`{"iss":"https:\/\/x"}`, func(c jwt.Claims) any { return c.Issuer() }, "https://x"},
		{`{"cognito:groups":"admins"}`, func(c jwt.Claims) any { return c.Groups() }, []string(nil)},
		{`{"cognito:groups":["a",1]}`, func(c jwt.Claims) any { return c.Groups() }, []string(nil)},
		{`{"cognito:groups":["a",1]}`, func(c jwt.Claims) any { return c.HasGroup("a") }, false},
		{`{"cognito:groups":[1,"a"]}`, func(c jwt.Claims) any { return c.HasGroup("a") }, false},
		{`{"cognito:groups":[]}`, func(c jwt.Claims) any { return c.Groups() }, []string(nil)},
		{`{"cognito:groups":[ "a" , "\u0062" ]}`, func(c jwt.Claims) any { return c.Groups() }, []string{"a", "b"}},
		{`{"cognito:groups":["a","\u0062"]}`, func(c jwt.Claims) any { return c.HasGroup("b") }, true},
		{`{"scope":" a  b "}`, func(c jwt.Claims) any { return c.Scopes() }, []string{"a", "b"}},
		{`{"token_use":"id","aud":["a","b"]}`, func(c jwt.Claims) any { return c.ClientID() }, ""},
		{`{"token_use":"id","aud":["a"]}`, func(c jwt.Claims) any { return c.ClientID() }, "a"},
		{`{"aud":["a","b"]}`, func(c jwt.Claims) any { return c.Audience() }, []string{"a", "b"}},
		{`{"email_verified":"true"}`, func(c jwt.Claims) any { return c.EmailVerified() }, true},
		{`{"email_verified":"TRUE"}`, func(c jwt.Claims) any { return c.EmailVerified() }, false},
		{`{"email_verified":1}`, func(c jwt.Claims) any { return c.EmailVerified() }, false},
		{`{"exp":1.5}`, func(c jwt.Claims) any { return c.Expiry() }, time.Time{}},
		{`{"exp":"1780315200"}`, func(c jwt.Claims) any { return c.Expiry() }, time.Time{}},
		{`{"exp":253402300800}`, func(c jwt.Claims) any { return c.Expiry() }, time.Time{}},
		{`{"exp":253402300799}`, func(c jwt.Claims) any { return c.Expiry().UTC().Year() }, 9999},
		{`{"custom:x":1}`, func(c jwt.Claims) any { return c.CustomAttributes() }, map[string]string{}},
		{` { "sub" : "x" } `, func(c jwt.Claims) any { return c.Subject() }, "x"},
	} {
		if diff := cmp.Diff(row.want, row.read(decode(t, row.payload))); diff != "" {
			t.Errorf("%s: %s", row.payload, diff)
		}
	}
}

// TestClaimsZero: values that nobody filled are empty and do not panic.
func TestClaimsZero(t *testing.T) {
	t.Parallel()
	var c jwt.Claims
	var a jwt.AccessToken
	var id jwt.IDToken
	var u jwt.Unverified
	all, err := c.All()
	var into map[string]any
	got := []any{
		c.Subject(), c.Groups(), c.HasGroup("x"), c.CustomAttributes(), c.Payload(), all, err, c.Decode(&into),
		a.Raw(), a.Header(), id.Raw(), id.Header(), u.Raw(), u.Signature(), u.HeaderBytes(), a.Expiry(), c.String(),
	}
	want := []any{
		"", []string(nil), false, map[string]string{}, []byte(nil), map[string]any{}, nil, nil,
		"", jwt.Header{}, "", jwt.Header{}, "", []byte(nil), []byte(nil), time.Time{}, "jwt(no token)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestClaimsAll(t *testing.T) {
	t.Parallel()
	all, err := decode(t, `{"n":12345678901234567890,"s":"x","o":{"a":[true,null]}}`).All()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"n": json.Number("12345678901234567890"), "s": "x", "o": map[string]any{"a": []any{true, nil}},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
}

// TestClaimsDecodeExact: encoding/json alone would take each of these for sub or
// for cognito:groups.
func TestClaimsDecodeExact(t *testing.T) {
	t.Parallel()
	type address struct {
		Country string `json:"country"`
	}
	type Embedded struct {
		Groups []string `json:"cognito:groups"`
	}
	type payload struct {
		Embedded
		Sub     string             `json:"sub"`
		Home    *address           `json:"address"`
		All     []address          `json:"addresses"`
		ByName  map[string]address `json:"by_name"`
		When    time.Time          `json:"when"`
		Any     any                `json:"any"`
		Plain   int
		private int //lint:ignore U1000 it shows that unexported fields are passed over
	}
	for _, row := range []struct {
		text string
		want payload
	}{
		{`{"sub":"a","SUB":"b"}`, payload{Sub: "a"}},
		{`{"SUB":"b","sub":"a","Sub":"c"}`, payload{Sub: "a"}},
		{`{"ſub":"b"}`, payload{}},
		{`{"\u017fub":"b","sub":"a"}`, payload{Sub: "a"}},
		{`{"\u0073ub":"a"}`, payload{Sub: "a"}},
		{`{"Cognito:Groups":["admins"],"cognito:groups":["x"]}`, payload{Embedded: Embedded{[]string{"x"}}}},
		{`{"COGNITO:GROUPS":["admins"]}`, payload{}},
		{`{"address":{"country":"NL","COUNTRY":"DE"}}`, payload{Home: &address{"NL"}}},
		{`{"addresses":[{"Country":"DE"},{"country":"NL"}]}`, payload{All: []address{{}, {"NL"}}}},
		{`{"by_name":{"a":{"country":"NL"},"A":{"Country":"DE"}}}`, payload{ByName: map[string]address{"a": {"NL"}, "A": {}}}},
		{`{"when":"2026-01-02T03:04:05Z"}`, payload{When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		{`{"any":["x",{"A":null},[]]}`, payload{Any: []any{"x", map[string]any{"A": nil}, []any{}}}},
		{`{"Plain":1,"plain":2,"private":3}`, payload{Plain: 1}},
	} {
		var got payload
		if err := decode(t, row.text).Decode(&got); err != nil {
			t.Errorf("%s: %v", row.text, err)
		}
		if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(payload{})); diff != "" {
			t.Errorf("%s: %s", row.text, diff)
		}
		var hidden any = &payload{}
		if err := decode(t, row.text).Decode(&hidden); err != nil {
			t.Errorf("%s: %v", row.text, err)
		}
		if diff := cmp.Diff(&row.want, hidden, cmp.AllowUnexported(payload{})); diff != "" {
			t.Errorf("through an interface: %s: %s", row.text, diff)
		}
	}
}

func TestClaimsDecodeErrors(t *testing.T) {
	t.Parallel()
	c := decode(t, `{"sub":1}`)
	var wrong struct {
		Sub string `json:"sub"`
	}
	for _, v := range []any{&wrong, nil, wrong, (*int)(nil)} {
		if err := c.Decode(v); err == nil {
			t.Errorf("Decode(%T) succeeded", v)
		}
	}
}
