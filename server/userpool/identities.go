package userpool

import (
	"net/url"
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
// attribute. Primary is the one that the user was made for; others are linked.
type identity struct {
	UserID       string  `json:"userId"`
	ProviderName string  `json:"providerName"`
	ProviderType string  `json:"providerType"`
	Issuer       *string `json:"issuer"`
	Primary      bool    `json:"primary"`
	DateCreated  int64   `json:"dateCreated"` // milliseconds since 1970
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

// identityLogin is the login of a provider's subject, both byte for byte.
func identityLogin(provider, subject string) string {
	return loginIdentity + ":" + url.QueryEscape(provider) + ":" + subject
}

func identityLogins(user storage.User) []string {
	var logins []string
	for _, one := range identitiesOf(user) {
		logins = append(logins, identityLogin(one.ProviderName, one.UserID))
	}
	return logins
}

// isExternal reports whether a user signs in at another provider only.
func isExternal(user storage.User) bool {
	return wire.UserStatus(user.Status) == wire.UserStatusExternalProvider
}

// identities writes the identities claim: all its values are texts, but for an issuer
// that is not there (developer guide, "Understanding the identity token").
func (c *claims) identities(user storage.User) {
	c.name(identitiesAttribute)
	for i, one := range identitiesOf(user) {
		c.buf = append(c.buf, "[,"[min(i, 1)])
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
