package jwt

import (
	"strings"
	"time"
)

// Claims is the payload of a token, read only. The methods find claims by their
// exact names; a claim that is absent or of the wrong type gives the zero value.
// Whether the claims can be trusted depends on what carries them: an
// [AccessToken] or [IDToken] yes, an [Unverified] no.
//
// Claims may be copied and used by many goroutines at once. Slices and maps
// that methods return belong to the caller.
//
// Claim names are those of RFC 7519 section 4.1, of OpenID Connect Core sections
// 2 and 5.1, and of the Amazon Cognito user pools guide.
type Claims struct{ ref **body }

// body returns nil for the zero Claims.
func (c Claims) body() *body {
	if c.ref == nil {
		return nil
	}
	return *c.ref
}

// The values of token_use, which [Claims.Use] returns.
const (
	UseAccess = "access" // presented to APIs
	UseID     = "id"     // read by the client that signed the user in
)

// find looks a claim up by its exact name.
func (c Claims) find(name string) (member, bool) {
	if c.body() == nil {
		return member{}, false
	}
	return find(c.body().payload, c.body().members, name)
}

// text returns a claim that is a string; without escapes it is not copied.
func (c Claims) text(name string) string {
	m, ok := c.find(name)
	if !ok {
		return ""
	}
	text, _ := m.textIn(c.body().payload)
	return text
}

// list returns an array of strings, or nil when any element is something else:
// half a list of groups would be a guess.
func (c Claims) list(name string) []string {
	m, ok := c.find(name)
	if !ok || m.kind != kindArray {
		return nil
	}
	texts, _ := texts(m.rawIn(c.body().payload))
	return texts
}

// texts returns the elements of an array of strings; ok is false for any other.
func texts(array string) (list []string, ok bool) {
	ok = scanArray(array, func(value string, k kind, escaped bool) bool {
		if escaped {
			value = unescape(value)
		}
		list = append(list, value)
		ok = k == kindString
		return ok
	}) && (ok || list == nil)
	if !ok {
		return nil, false
	}
	return list, true
}

// flag reports whether a claim is true or "true".
func (c Claims) flag(name string) bool {
	m, ok := c.find(name)
	if !ok {
		return false
	}
	raw := c.body().payload[m.value:m.valueEnd]
	return raw == "true" && (m.kind == kindBool || m.kind == kindString)
}

// instant returns a NumericDate as a local time.
func (c Claims) instant(name string) time.Time {
	m, ok := c.find(name)
	if !ok {
		return time.Time{}
	}
	seconds, ok := m.secondsIn(c.body().payload)
	if !ok {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// Subject returns sub, the user's unchanging id, a UUID (RFC 7519 section 4.1.2).
// Key your own records on issuer and subject: usernames and e-mail addresses can
// be reassigned to other users. In a client-credentials token it is the client id.
func (c Claims) Subject() string { return c.text("sub") }

// Issuer returns iss, the user pool's URL (RFC 7519 section 4.1.1).
func (c Claims) Issuer() string { return c.text("iss") }

// Use returns token_use, [UseAccess] or [UseID]. It is Cognito's own claim, and the
// difference between its two kinds of token, which have the same issuer and similar claims.
func (c Claims) Use() string { return c.text("token_use") }

// isID reports whether the token is an ID token: verified as one, with or without a
// token_use (Config.OpenID), or with the token_use of one.
func (c Claims) isID() bool {
	return c.body() != nil && c.body().verifiedAs() == UseID || c.Use() == UseID
}

// Username returns the user's name: cognito:username of an ID token, username of
// an access token. It is empty in client-credentials tokens.
func (c Claims) Username() string {
	if c.isID() {
		return c.text("cognito:username")
	}
	return c.text("username")
}

// ClientID returns the app client the token was issued to: client_id of an access
// token, aud of an ID token when it names exactly one. With Config.OpenID it is one of
// Config.ClientIDs, unless aud names several.
func (c Claims) ClientID() string {
	if !c.isID() {
		return c.text("client_id")
	}
	if aud := c.Audience(); len(aud) == 1 {
		return aud[0]
	}
	return ""
}

// Audience returns aud, which may be one string or an array (RFC 7519 section
// 4.1.3). Cognito's access tokens have none unless they are bound to a resource
// (RFC 8707).
func (c Claims) Audience() []string {
	m, ok := c.find("aud")
	if !ok {
		return nil
	}
	return c.body().audience(&m)
}

// Groups returns cognito:groups, the names of the user's groups, in access and ID
// tokens alike. Nil when the user is in none.
func (c Claims) Groups() []string { return c.list("cognito:groups") }

// HasGroup reports whether cognito:groups contains group, compared exactly.
func (c Claims) HasGroup(group string) bool {
	m, ok := c.find("cognito:groups")
	if !ok || m.kind != kindArray {
		return false
	}
	found, sound := false, true
	sound = scanArray(m.rawIn(c.body().payload), func(value string, k kind, escaped bool) bool {
		if escaped {
			value = unescape(value)
		}
		found = found || value == group
		sound = sound && k == kindString
		return true
	}) && sound
	return found && sound
}

// Roles returns cognito:roles, the ARNs of the groups' roles (ID tokens), present
// when at least one group has a role.
func (c Claims) Roles() []string { return c.list("cognito:roles") }

// PreferredRole returns cognito:preferred_role, the ARN of the role of the group
// with the lowest precedence value (ID tokens). It is empty when two groups tie.
func (c Claims) PreferredRole() string { return c.text("cognito:preferred_role") }

// Scopes returns scope split at its spaces (access tokens; RFC 6749 section 3.3). A
// token from a sign-in through the API has exactly aws.cognito.signin.user.admin.
func (c Claims) Scopes() []string {
	return strings.FieldsFunc(c.text("scope"), func(r rune) bool { return r == ' ' })
}

// HasScope reports whether scope contains the scope, compared exactly.
func (c Claims) HasScope(scope string) bool {
	if scope == "" {
		return false
	}
	for word := range strings.SplitSeq(c.text("scope"), " ") {
		if word == scope {
			return true
		}
	}
	return false
}

// Expiry returns exp, the first moment at which the token is no longer valid.
// Like all times here it has whole seconds, and is the zero Time when the claim
// is absent or not a whole number of seconds before the year 10000.
func (c Claims) Expiry() time.Time { return c.instant("exp") }

// IssuedAt returns iat (RFC 7519 section 4.1.6), by the issuer's clock.
func (c Claims) IssuedAt() time.Time { return c.instant("iat") }

// AuthTime returns auth_time, when the user signed in (OpenID Connect Core section
// 2). A refresh does not change it: it gives the age of the sign-in.
func (c Claims) AuthTime() time.Time { return c.instant("auth_time") }

// NotBefore returns nbf (RFC 7519 section 4.1.5), which Cognito does not send.
func (c Claims) NotBefore() time.Time { return c.instant("nbf") }

// ID returns jti, the token's own id (RFC 7519 section 4.1.7). It is there when the
// app client has revocation or rotation on, which is the default.
func (c Claims) ID() string { return c.text("jti") }

// OriginID returns origin_jti, which all tokens of one sign-in share, refreshed
// ones too. Revoking a refresh token ends all tokens with its origin_jti.
func (c Claims) OriginID() string { return c.text("origin_jti") }

// EventID returns event_id, which Cognito also writes to its logs of the sign-in.
func (c Claims) EventID() string { return c.text("event_id") }

// DeviceKey returns device_key, the remembered device (access tokens).
func (c Claims) DeviceKey() string { return c.text("device_key") }

// Nonce returns nonce (ID tokens). Check it with [IDToken.CheckNonce].
func (c Claims) Nonce() string { return c.text("nonce") }

// Name returns name, the full name to show (ID tokens; OpenID Connect Core section
// 5.1). It is there when the app client may read the attribute.
func (c Claims) Name() string { return c.text("name") }

// GivenName returns given_name, the first name (ID tokens).
func (c Claims) GivenName() string { return c.text("given_name") }

// FamilyName returns family_name, the last name (ID tokens).
func (c Claims) FamilyName() string { return c.text("family_name") }

// PreferredUsername returns preferred_username, a name that the user chose, which may change
// (ID tokens). In a pool that has it as an alias it is unique.
func (c Claims) PreferredUsername() string { return c.text("preferred_username") }

// Email returns email (ID tokens). Trust it only with [Claims.EmailVerified].
func (c Claims) Email() string { return c.text("email") }

// EmailVerified reports whether email_verified is true. Both true and "true"
// count: Cognito writes the string in its userInfo answers and for attributes
// mapped from other providers.
func (c Claims) EmailVerified() bool { return c.flag("email_verified") }

// PhoneNumber returns phone_number in E.164 form (ID tokens).
func (c Claims) PhoneNumber() string { return c.text("phone_number") }

// PhoneNumberVerified reports whether phone_number_verified is true or "true".
func (c Claims) PhoneNumberVerified() bool { return c.flag("phone_number_verified") }
