package pool

import (
	"net/url"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// IdentitiesAttribute holds a user's identities at other providers. Only the
// service writes it, and logins derive from it.
const IdentitiesAttribute = "identities"

// loginIdentity is the kind of login that an identity is: by provider and subject,
// never by e-mail address or name.
const loginIdentity = "identity"

// Identity is a user of another provider, in the form of Cognito's identities
// attribute. Primary is the one that the user was made for; others are linked. Issuer is
// nil in identities from before it was kept.
type Identity struct {
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

// IdentitiesOf reads a user's identities. Entries that cannot be read are ignored.
func IdentitiesOf(user storage.User) []Identity {
	text := user.Attributes[IdentitiesAttribute]
	if text == "" {
		return nil
	}
	var list []Identity
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	return list
}

// ActiveIdentities are a user's identities without those that are disabled.
func ActiveIdentities(user storage.User) []Identity {
	return slices.DeleteFunc(IdentitiesOf(user), func(one Identity) bool { return one.Disabled })
}

// SetIdentities writes them.
func SetIdentities(user *storage.User, list []Identity) error {
	if user.Attributes == nil {
		user.Attributes = map[string]string{}
	}
	if len(list) == 0 {
		delete(user.Attributes, IdentitiesAttribute)
		return nil
	}
	text, err := json.Marshal(list)
	if err == nil {
		user.Attributes[IdentitiesAttribute] = string(text)
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
	for _, one := range IdentitiesOf(user) {
		logins = append(logins, identityLogin(one.ProviderName, one.Issuer, one.UserID))
	}
	return logins
}

// IsExternal reports whether a user signs in at another provider only.
func IsExternal(user storage.User) bool {
	return wire.UserStatus(user.Status) == wire.UserStatusExternalProvider
}

// WithoutIssuers is an identities attribute as userinfo shows it: like the claim of the
// ID token it has no issuers.
func WithoutIssuers(user storage.User) string {
	list := ActiveIdentities(user)
	for i := range list {
		list[i].Issuer = nil
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "[]"
	}
	return string(text)
}
