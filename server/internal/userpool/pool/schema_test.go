package pool

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
)

func TestStandardAttributes(t *testing.T) {
	t.Parallel()
	schema, err := SchemaFrom(nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range schema {
		names = append(names, a.Name)
		if mutable, required := IsTrue(a.Mutable), IsTrue(a.Required); mutable == (a.Name == "sub") || required != (a.Name == "sub") {
			t.Errorf("%s: mutable %t, required %t", a.Name, mutable, required)
		}
	}
	want := strings.Fields(`sub name given_name family_name middle_name nickname preferred_username profile picture
		website email email_verified gender birthdate zoneinfo locale phone_number phone_number_verified address
		updated_at identities`)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("standard attributes (-want +got):\n%s", diff)
	}
	// What DescribeUserPool shows can be given to CreateUserPool, as backups do.
	again, err := SchemaFrom(schema)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(schema, again); diff != "" {
		t.Errorf("standard attributes declared again (-want +got):\n%s", diff)
	}
}

func TestSchemaFrom(t *testing.T) {
	t.Parallel()
	text := func(least, most string) *wire.StringAttributeConstraintsType {
		return &wire.StringAttributeConstraintsType{MinLength: least, MaxLength: most}
	}
	number := func(least, most string) *wire.NumberAttributeConstraintsType {
		return &wire.NumberAttributeConstraintsType{MinValue: least, MaxValue: most}
	}
	tests := []struct {
		name  string
		asked wire.SchemaAttributeType
		want  wire.SchemaAttributeType
		text  string // of the refusal
	}{
		{name: "custom", asked: wire.SchemaAttributeType{Name: "tier"}, want: wire.SchemaAttributeType{
			Name: "custom:tier", AttributeDataType: "String", DeveloperOnlyAttribute: new(false),
			Mutable: new(true), Required: new(false), StringAttributeConstraints: text("", "")}},
		{name: "custom number", asked: wire.SchemaAttributeType{Name: "age", AttributeDataType: "Number", Mutable: new(false)},
			want: wire.SchemaAttributeType{
				Name: "custom:age", AttributeDataType: "Number", DeveloperOnlyAttribute: new(false),
				Mutable: new(false), Required: new(false), NumberAttributeConstraints: number("", "")}},
		{name: "developer-only", asked: wire.SchemaAttributeType{Name: "note", DeveloperOnlyAttribute: new(true), StringAttributeConstraints: text("1", "9")},
			want: wire.SchemaAttributeType{
				Name: "dev:custom:note", AttributeDataType: "String", DeveloperOnlyAttribute: new(true),
				Mutable: new(true), Required: new(false), StringAttributeConstraints: text("1", "9")}},
		{name: "standard made required", asked: wire.SchemaAttributeType{Name: "email", Required: new(true), Mutable: new(false), StringAttributeConstraints: text("5", "50")},
			want: wire.SchemaAttributeType{
				Name: "email", AttributeDataType: "String", DeveloperOnlyAttribute: new(false),
				Mutable: new(false), Required: new(true), StringAttributeConstraints: text("5", "50")}},
		{name: "no name", text: "has no name"},
		{name: "required custom", asked: wire.SchemaAttributeType{Name: "x", Required: new(true)}, text: "Required custom attributes are not supported"},
		{name: "standard of another type", asked: wire.SchemaAttributeType{Name: "email", AttributeDataType: "Number"}, text: "email is a String"},
		{name: "standard developer-only", asked: wire.SchemaAttributeType{Name: "email", DeveloperOnlyAttribute: new(true)}, text: "cannot be developer-only"},
		{name: "sub mutable", asked: wire.SchemaAttributeType{Name: "sub", Mutable: new(true)}, text: "sub cannot be changed"},
		{name: "verified flag required", asked: wire.SchemaAttributeType{Name: "email_verified", Required: new(true)}, text: "email_verified cannot be changed"},
		{name: "length not a number", asked: wire.SchemaAttributeType{Name: "x", StringAttributeConstraints: text("a", "")}, text: "lengths of attribute x"},
		{name: "length negative", asked: wire.SchemaAttributeType{Name: "x", StringAttributeConstraints: text("-1", "")}, text: "lengths of attribute x"},
		{name: "length too large", asked: wire.SchemaAttributeType{Name: "x", StringAttributeConstraints: text("", "2049")}, text: "0 to 2048"},
		{name: "lengths swapped", asked: wire.SchemaAttributeType{Name: "x", StringAttributeConstraints: text("9", "1")}, text: "smaller first"},
		{name: "bound not a number", asked: wire.SchemaAttributeType{Name: "x", NumberAttributeConstraints: number("inf", "")}, text: "bounds of attribute x"},
		{name: "bounds swapped", asked: wire.SchemaAttributeType{Name: "x", NumberAttributeConstraints: number("2", "1")}, text: "bounds of attribute x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			schema, err := SchemaFrom([]wire.SchemaAttributeType{tt.asked})
			if tt.text != "" {
				wiretest.WantException(t, err, wire.InvalidParameterException, tt.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			set := Settings{UserPoolType: wire.UserPoolType{SchemaAttributes: schema}}
			if diff := cmp.Diff(&tt.want, set.SchemaOf(tt.want.Name)); diff != "" {
				t.Errorf("attribute (-want +got):\n%s", diff)
			}
		})
	}
	_, err := SchemaFrom([]wire.SchemaAttributeType{{Name: "x"}, {Name: "x"}})
	wiretest.WantException(t, err, wire.InvalidParameterException, "custom:x is declared twice")
}

// testSchema has one attribute of each kind.
func testSchema(t *testing.T) *Settings {
	t.Helper()
	schema, err := SchemaFrom([]wire.SchemaAttributeType{
		{Name: "family_name", Required: new(true)},
		{Name: "code", StringAttributeConstraints: &wire.StringAttributeConstraintsType{MinLength: "2", MaxLength: "4"}, Mutable: new(false)},
		{Name: "age", AttributeDataType: "Number", NumberAttributeConstraints: &wire.NumberAttributeConstraintsType{MinValue: "0", MaxValue: "150"}},
		{Name: "since", AttributeDataType: "DateTime"},
		{Name: "vip", AttributeDataType: "Boolean"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Settings{UserPoolType: wire.UserPoolType{SchemaAttributes: schema}}
}

func TestCheckAttributes(t *testing.T) {
	t.Parallel()
	set := testSchema(t)
	tests := []struct {
		name, value string
		text        string // empty: good
	}{
		{"nickname", "Ä", ""},
		{"nickname", strings.Repeat("ä", 2048), ""},
		{"nickname", strings.Repeat("a", 2049), "nickname: String must be no longer than 2048 characters"},
		{"nick", "x", "nick: Attribute does not exist in the schema."},
		{"Nickname", "x", "Nickname: Attribute does not exist in the schema."},
		{"custom:code", "a", "custom:code: String must be no shorter than 2 characters"},
		{"custom:code", "äöüß", ""},
		{"custom:code", "12345", "no longer than 4"},
		{"code", "ab", "code: Attribute does not exist"},
		{"custom:age", "42", ""},
		{"custom:age", "1.5e2", ""},
		{"custom:age", "-1", "Number must be no less than 0"},
		{"custom:age", "151", "Number must be no more than 150"},
		{"custom:age", "NaN", "Number is not valid"},
		{"custom:age", "0x10", "Number is not valid"},
		{"custom:age", "1e999", "Number is not valid"},
		{"updated_at", "1792454400", ""},
		{"updated_at", "-1", "Number must be no less than 0"},
		{"custom:since", "2026-11-20", ""},
		{"custom:since", "2026-11-20T12:00:00+01:00", ""},
		{"custom:since", "yesterday", "DateTime must be"},
		{"custom:vip", "TRUE", ""},
		{"custom:vip", "yes", "Boolean must be true or false"},
		{"birthdate", "1990-01-01", ""},
		{"birthdate", "1990", "no shorter than 10"},
		{"family_name", "", "family_name: The attribute is required"},
		{"email", "a@example.com", ""},
		{"email", "ä@example.com", ""},
		{"email", "a.example.com", "Invalid email address format."},
		{"email", "A <a@example.com>", "Invalid email address format."},
		{"email", "a@example.com, b@example.com", "Invalid email address format."},
		{"email", "a@example.com\r\nBcc: b@example.com", "Invalid email address format."},
		{"phone_number", "+15555550100", ""},
		{"phone_number", "15555550100", "Invalid phone number format."},
		{"phone_number", "+05555550100", "Invalid phone number format."},
		{"phone_number", "+1555555010012345", "Invalid phone number format."},
		{"phone_number", "+1 555", "Invalid phone number format."},
		{"nickname", "", ""},
		{"email", "", ""},
	}
	for _, tt := range tests {
		err := set.CheckAttributes(map[string]string{tt.name: tt.value}, false)
		switch {
		case tt.text != "":
			wiretest.WantException(t, err, wire.InvalidParameterException, tt.text)
		case err != nil:
			t.Errorf("%s = %.20q: %v", tt.name, tt.value, err)
		}
	}
}

func TestCheckAttributesTogether(t *testing.T) {
	t.Parallel()
	set := testSchema(t)
	err := set.CheckAttributes(map[string]string{"zzz": "1", "aaa": "1", "custom:vip": "x"}, true)
	want := "Attributes did not conform to the schema: aaa: Attribute does not exist in the schema.\n" +
		"custom:vip: Boolean must be true or false\nzzz: Attribute does not exist in the schema.\nfamily_name: The attribute is required\n"
	if e, ok := err.(*wire.Exception); !ok || e.Message != want {
		t.Errorf("message %q, want %q", err, want)
	}
	given := map[string]string{"custom:vip": "True", "email_verified": "FALSE", "family_name": "TRUE"}
	if err := set.CheckAttributes(given, true); err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{"custom:vip": "true", "email_verified": "false", "family_name": "TRUE"}
	if diff := cmp.Diff(stored, given); diff != "" {
		t.Errorf("booleans as they are stored (-want +got):\n%s", diff)
	}
}

// Whatever is accepted is accepted again: what DescribeUserPool and AdminGetUser
// show can be sent back.
func TestCheckAttributesIsStable(t *testing.T) {
	t.Parallel()
	set := testSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"custom:code", "custom:age", "custom:since", "custom:vip", "email", "phone_number"}).Draw(t, "name")
		value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"TRUE", "1e1", "+123", "a@b", "2026-01-01"})).Draw(t, "value")
		given := map[string]string{name: value}
		if set.CheckAttributes(given, false) != nil {
			return
		}
		once := maps.Clone(given)
		if err := set.CheckAttributes(given, false); err != nil || !maps.Equal(once, given) {
			t.Fatalf("%v was accepted, then %v: %v", once, given, err)
		}
	})
}
