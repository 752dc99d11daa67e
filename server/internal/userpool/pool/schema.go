package pool

import (
	"math"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// MaxAttributeValue is the longest value that any attribute takes, in
// characters (Cognito quotas).
const MaxAttributeValue = 2048

// Data types of attributes (SchemaAttributeType, AttributeDataType).
const (
	typeString   = "String"
	typeNumber   = "Number"
	typeBoolean  = "Boolean"
	typeDateTime = "DateTime"
)

// Prefixes of custom attributes (SchemaAttributeType, Name and DeveloperOnlyAttribute).
const (
	CustomPrefix    = "custom:"
	DeveloperPrefix = "dev:custom:"
)

// standardAttributes is what the schema of every pool begins with: the standard
// claims of OpenID Connect Core 1.0, section 5.1, as Cognito declares them.
func standardAttributes() []wire.SchemaAttributeType {
	list := []wire.SchemaAttributeType{
		standard("sub", typeString, "1", "2048"),
		standard("name", typeString, "0", "2048"),
		standard("given_name", typeString, "0", "2048"),
		standard("family_name", typeString, "0", "2048"),
		standard("middle_name", typeString, "0", "2048"),
		standard("nickname", typeString, "0", "2048"),
		standard("preferred_username", typeString, "0", "2048"),
		standard("profile", typeString, "0", "2048"),
		standard("picture", typeString, "0", "2048"),
		standard("website", typeString, "0", "2048"),
		standard("email", typeString, "0", "2048"),
		standard("email_verified", typeBoolean, "", ""),
		standard("gender", typeString, "0", "2048"),
		standard("birthdate", typeString, "10", "10"),
		standard("zoneinfo", typeString, "0", "2048"),
		standard("locale", typeString, "0", "2048"),
		standard("phone_number", typeString, "0", "2048"),
		standard("phone_number_verified", typeBoolean, "", ""),
		standard("address", typeString, "0", "2048"),
		standard("updated_at", typeNumber, "0", ""),
		standard("identities", typeString, "", ""),
	}
	list[0].Mutable, list[0].Required = new(false), new(true)
	return list
}

// standard declares one standard attribute with its bounds, as texts.
func standard(name, dataType, least, most string) wire.SchemaAttributeType {
	a := wire.SchemaAttributeType{
		Name: name, AttributeDataType: dataType,
		DeveloperOnlyAttribute: new(false), Mutable: new(true), Required: new(false),
	}
	switch dataType {
	case typeString:
		a.StringAttributeConstraints = &wire.StringAttributeConstraintsType{MinLength: least, MaxLength: most}
	case typeNumber:
		a.NumberAttributeConstraints = &wire.NumberAttributeConstraintsType{MinValue: least, MaxValue: most}
	}
	return a
}

// BuiltIn are the attributes that the service itself keeps. A schema cannot
// change them.
var BuiltIn = []string{"sub", "email_verified", "phone_number_verified", "identities"}

// SchemaFrom makes a pool's schema: the standard attributes, changed where
// asked names one of them, then the custom ones with their prefix. An attribute
// named like a built-in one is refused, unless it is declared just so.
func SchemaFrom(asked []wire.SchemaAttributeType) ([]wire.SchemaAttributeType, error) {
	schema := standardAttributes()
	seen := map[string]bool{}
	for _, a := range asked {
		if a.Name == "" {
			return nil, Invalid("Invalid schema: an attribute has no name.")
		}
		if err := CheckConstraints(a); err != nil {
			return nil, err
		}
		at := slices.IndexFunc(schema, func(s wire.SchemaAttributeType) bool { return s.Name == a.Name })
		var err error
		if at >= 0 {
			schema[at], err = changeStandard(schema[at], a)
			a.Name = schema[at].Name
		} else if a, err = CustomAttribute(a); err == nil {
			schema = append(schema, a)
		}
		if err != nil {
			return nil, err
		}
		if seen[a.Name] {
			return nil, Invalid("Invalid schema: attribute %s is declared twice.", a.Name)
		}
		seen[a.Name] = true
	}
	return schema, nil
}

// changeStandard declares a standard attribute: it may be made required or
// immutable and be bounded; its type is fixed.
func changeStandard(a, asked wire.SchemaAttributeType) (wire.SchemaAttributeType, error) {
	if asked.AttributeDataType != "" && asked.AttributeDataType != a.AttributeDataType {
		return a, Invalid("Invalid AttributeDataType input, consider using the provided AttributeDataType enum: %s is a %s.", a.Name, a.AttributeDataType)
	}
	if IsTrue(asked.DeveloperOnlyAttribute) {
		return a, Invalid("Invalid schema: the standard attribute %s cannot be developer-only.", a.Name)
	}
	fixed := slices.Contains(BuiltIn, a.Name)
	if fixed && (differs(asked.Mutable, a.Mutable) || differs(asked.Required, a.Required)) {
		return a, Invalid("Invalid schema: the attribute %s cannot be changed.", a.Name)
	}
	if asked.Mutable != nil {
		a.Mutable = asked.Mutable
	}
	if asked.Required != nil {
		a.Required = asked.Required
	}
	if !fixed && asked.StringAttributeConstraints != nil {
		a.StringAttributeConstraints = asked.StringAttributeConstraints
	}
	if !fixed && asked.NumberAttributeConstraints != nil {
		a.NumberAttributeConstraints = asked.NumberAttributeConstraints
	}
	return a, nil
}

// IsTrue reads a flag that is false when absent.
func IsTrue(flag *bool) bool { return flag != nil && *flag }

// differs reports whether a given flag differs from the present one.
func differs(given, have *bool) bool { return given != nil && *given != IsTrue(have) }

// CustomAttribute declares a custom attribute under its full name.
func CustomAttribute(a wire.SchemaAttributeType) (wire.SchemaAttributeType, error) {
	if IsTrue(a.Required) {
		return a, Invalid("Required custom attributes are not supported currently.")
	}
	prefix := CustomPrefix
	if IsTrue(a.DeveloperOnlyAttribute) {
		prefix = DeveloperPrefix
	}
	a.Name = prefix + a.Name
	if a.AttributeDataType == "" {
		a.AttributeDataType = typeString
	}
	a.DeveloperOnlyAttribute = new(IsTrue(a.DeveloperOnlyAttribute))
	a.Mutable = new(a.Mutable == nil || *a.Mutable)
	a.Required = new(false)
	if a.AttributeDataType == typeString && a.StringAttributeConstraints == nil {
		a.StringAttributeConstraints = &wire.StringAttributeConstraintsType{}
	}
	if a.AttributeDataType == typeNumber && a.NumberAttributeConstraints == nil {
		a.NumberAttributeConstraints = &wire.NumberAttributeConstraintsType{}
	}
	return a, nil
}

// CheckConstraints checks the bounds of a declaration, which are texts on the wire.
func CheckConstraints(a wire.SchemaAttributeType) error {
	if c := a.StringAttributeConstraints; c != nil {
		least, ok1 := lengthBound(c.MinLength, 0)
		most, ok2 := lengthBound(c.MaxLength, MaxAttributeValue)
		if !ok1 || !ok2 || least > most {
			return Invalid("Invalid schema: the lengths of attribute %s must be whole numbers from 0 to %d, the smaller first.", a.Name, MaxAttributeValue)
		}
	}
	if c := a.NumberAttributeConstraints; c != nil {
		least, ok1 := numberBound(c.MinValue, math.Inf(-1))
		most, ok2 := numberBound(c.MaxValue, math.Inf(1))
		if !ok1 || !ok2 || least > most {
			return Invalid("Invalid schema: the bounds of attribute %s must be numbers, the smaller first.", a.Name)
		}
	}
	return nil
}

// lengthBound reads a length; an empty text is the fallback.
func lengthBound(text string, fallback int) (int, bool) {
	if text == "" {
		return fallback, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n <= MaxAttributeValue
}

// numberBound reads a number; an empty text is the fallback.
func numberBound(text string, fallback float64) (float64, bool) {
	if text == "" {
		return fallback, true
	}
	return parseNumber(text)
}

// parseNumber reads a decimal number. strconv's other forms, such as "inf" and
// hexadecimal, are none here.
func parseNumber(text string) (float64, bool) {
	if strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// SchemaOf finds the declaration of an attribute, nil when there is none.
func (p *Settings) SchemaOf(name string) *wire.SchemaAttributeType {
	for i := range p.SchemaAttributes {
		if p.SchemaAttributes[i].Name == name {
			return &p.SchemaAttributes[i]
		}
	}
	return nil
}

// DeveloperOnly reports whether only administrators write an attribute
// (SchemaAttributeType, DeveloperOnlyAttribute).
func (p *Settings) DeveloperOnly(name string) bool {
	a := p.SchemaOf(name)
	return a != nil && IsTrue(a.DeveloperOnlyAttribute)
}

// RequiredAttributes are those that a user must have, without the sub, which
// every user has.
func (p *Settings) RequiredAttributes() []string {
	var names []string
	for _, a := range p.SchemaAttributes {
		if IsTrue(a.Required) && a.Name != "sub" {
			names = append(names, a.Name)
		}
	}
	return names
}

// CheckAttributes checks attributes against the pool's schema, once contacts are
// normalized, and writes booleans the way they are stored, in lower case. An empty value, which deletes,
// passes unless the attribute is required. With complete, the required ones must
// all be there, as SignUp demands; AdminCreateUser leaves them to the first sign-in.
// All failures stand in one text, as Cognito's do, a line each.
func (p *Settings) CheckAttributes(given map[string]string, complete bool) error {
	for _, contact := range []string{LoginEmail, LoginPhone} {
		// A blank value stays as it is, and is refused below: only an empty one deletes.
		if value := Normalized(given[contact]); value != "" {
			given[contact] = value
		}
	}
	var failures []string
	for _, name := range SortedKeys(given) {
		switch failure := p.checkAttribute(name, given[name]); {
		case failure != "":
			failures = append(failures, name+": "+failure)
		case p.SchemaOf(name).AttributeDataType == typeBoolean:
			given[name] = strings.ToLower(given[name])
		}
	}
	for _, name := range p.RequiredAttributes() {
		value, present := given[name]
		if present && value == "" || complete && !present {
			failures = append(failures, name+": The attribute is required")
		}
	}
	if len(failures) > 0 {
		return Invalid("Attributes did not conform to the schema: %s\n", strings.Join(failures, "\n"))
	}
	switch {
	case given[LoginEmail] != "" && !IsEmail(given[LoginEmail]):
		return Invalid("Invalid email address format.")
	case given[LoginPhone] != "" && !IsPhone(given[LoginPhone]):
		return Invalid("Invalid phone number format.")
	}
	return nil
}

// checkAttribute judges one value by its declaration and says what is wrong.
func (p *Settings) checkAttribute(name, value string) string {
	a := p.SchemaOf(name)
	switch {
	case a == nil:
		return "Attribute does not exist in the schema."
	case value == "":
		return ""
	}
	switch a.AttributeDataType {
	case typeNumber:
		return checkNumber(a.NumberAttributeConstraints, value)
	case typeBoolean:
		if lower := strings.ToLower(value); lower != "true" && lower != "false" {
			return "Boolean must be true or false"
		}
	case typeDateTime:
		if !isDateTime(value) {
			return "DateTime must be in the form of RFC 3339, or a date"
		}
	default:
		return checkLength(a.StringAttributeConstraints, value)
	}
	return ""
}

// checkLength judges a text by its length in characters.
func checkLength(c *wire.StringAttributeConstraintsType, value string) string {
	if c == nil {
		c = &wire.StringAttributeConstraintsType{}
	}
	least, _ := lengthBound(c.MinLength, 0)
	most, _ := lengthBound(c.MaxLength, MaxAttributeValue)
	switch n := utf8.RuneCountInString(value); {
	case n < least:
		return "String must be no shorter than " + strconv.Itoa(least) + " characters"
	case n > most:
		return "String must be no longer than " + strconv.Itoa(most) + " characters"
	}
	return ""
}

// checkNumber judges a number. Cognito keeps numbers as the texts they came in,
// and so does this service; only the comparison goes through a float64.
func checkNumber(c *wire.NumberAttributeConstraintsType, value string) string {
	if c == nil {
		c = &wire.NumberAttributeConstraintsType{}
	}
	n, ok := parseNumber(value)
	least, _ := numberBound(c.MinValue, math.Inf(-1))
	most, _ := numberBound(c.MaxValue, math.Inf(1))
	switch {
	case !ok || len(value) > MaxAttributeValue:
		return "Number is not valid"
	case n < least:
		return "Number must be no less than " + c.MinValue
	case n > most:
		return "Number must be no more than " + c.MaxValue
	}
	return ""
}

// isDateTime reports whether value is a time in a form of RFC 3339, or a date.
func isDateTime(value string) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if _, err := time.Parse(layout, value); err == nil {
			return true
		}
	}
	return false
}

// IsEmail reports whether value is one bare e-mail address at a domain name, in visible
// characters. IDNA reads an ideographic full stop as a dot and a capital sharp s as one of
// two texts, which would give one address two forms; so would the spellings of an IP
// address.
func IsEmail(value string) bool {
	_, domain, _ := strings.Cut(value, "@")
	return hasEmailForm(value) && IsVisible(value) && !strings.ContainsAny(domain, "[。ẞ")
}

// hasEmailForm reports whether value is one bare e-mail address (RFC 5322, addr-spec).
func hasEmailForm(value string) bool {
	address, err := mail.ParseAddress(value)
	return err == nil && address.Name == "" && address.Address == value
}

// IsPhone reports whether value is a phone number in E.164 form: a plus and at
// most fifteen digits, the first no zero.
func IsPhone(value string) bool {
	number, ok := strings.CutPrefix(value, "+")
	return ok && len(number) >= 2 && len(number) <= 15 && number[0] != '0' && strings.Trim(number, random.Digits) == ""
}
