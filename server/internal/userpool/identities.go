package userpool

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// identitiesAttribute holds a user's identities at other providers. Nobody writes it
// but the service, and logins derive from it.
const identitiesAttribute = "identities"

// loginIdentity is the kind of login that an identity is: by provider and subject,
// never by e-mail address or name.
const loginIdentity = "identity"

// identity is a user of another provider, in the form of Cognito's identities
// attribute. Primary is the one that the user was made for; others are linked. Issuer is
// nil in identities from before it was kept.
type identity struct {
	UserID       string  `json:"userId"`
	ProviderName string  `json:"providerName"`
	ProviderType string  `json:"providerType"`
	Issuer       *string `json:"issuer"`
	Primary      bool    `json:"primary"`
	DateCreated  int64   `json:"dateCreated"` // milliseconds since 1970
	// Disabled is set when an administrator took the identity away that the user was
	// made for. It stays, so that its next sign-in does not make another user.
	Disabled bool `json:"disabled,omitzero"`
}

// identitiesOf reads a user's identities. What cannot be read is nobody's identity.
func identitiesOf(user storage.User) []identity {
	text := user.Attributes[identitiesAttribute]
	if text == "" {
		return nil
	}
	var list []identity
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	return list
}

// activeIdentities are a user's identities without those that are disabled.
func activeIdentities(user storage.User) []identity {
	return slices.DeleteFunc(identitiesOf(user), func(one identity) bool { return one.Disabled })
}

// setIdentities writes them.
func setIdentities(user *storage.User, list []identity) error {
	if user.Attributes == nil {
		user.Attributes = map[string]string{}
	}
	if len(list) == 0 {
		delete(user.Attributes, identitiesAttribute)
		return nil
	}
	text, err := json.Marshal(list)
	if err == nil {
		user.Attributes[identitiesAttribute] = string(text)
	}
	return err
}

// identityLogin is the login of a subject of a provider and its issuer, all byte for
// byte. Without an issuer it is the login that earlier versions stored; no provider has
// an empty name, so that the two forms cannot meet.
func identityLogin(provider string, issuer *string, subject string) string {
	if issuer == nil {
		return loginIdentity + ":" + url.QueryEscape(provider) + ":" + subject
	}
	return loginIdentity + "::" + url.QueryEscape(provider) + ":" + url.QueryEscape(*issuer) + ":" + subject
}

func identityLogins(user storage.User) []string {
	var logins []string
	for _, one := range identitiesOf(user) {
		logins = append(logins, identityLogin(one.ProviderName, one.Issuer, one.UserID))
	}
	return logins
}

// isExternal reports whether a user signs in at another provider only.
func isExternal(user storage.User) bool {
	return wire.UserStatus(user.Status) == wire.UserStatusExternalProvider
}

// withoutIssuers is an identities attribute as userinfo shows it: like the claim of the
// ID token it has no issuers.
func withoutIssuers(user storage.User) string {
	list := activeIdentities(user)
	for i := range list {
		list[i].Issuer = nil
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "[]"
	}
	return string(text)
}

// identities writes the identities claim: all its values are texts, but for the issuer,
// which is null as Cognito's is (developer guide, "Understanding the identity token").
func (c *claims) identities(user storage.User) {
	c.name(identitiesAttribute)
	c.buf = append(c.buf, '[')
	for i, one := range activeIdentities(user) {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		c.buf = appendString(append(c.buf, `{"userId":`...), one.UserID)
		c.buf = appendString(append(c.buf, `,"providerName":`...), one.ProviderName)
		c.buf = appendString(append(c.buf, `,"providerType":`...), one.ProviderType)
		c.buf = append(c.buf, `,"issuer":null`...)
		c.buf = appendString(append(c.buf, `,"primary":`...), strconv.FormatBool(one.Primary))
		c.buf = appendString(append(c.buf, `,"dateCreated":`...), strconv.FormatInt(one.DateCreated, 10))
		c.buf = append(c.buf, '}')
	}
	c.buf = append(c.buf, ']')
}
