// Package identitypool answers the identity pool API: the operations of
// AWSCognitoIdentityService. It verifies login tokens, finds or makes the
// identity that belongs to them, chooses a role, and has a [Broker] make
// credentials.
//
//	Logins ── verify ──► proven logins ── link ──► identity ── role ──► Broker
//	          login.go     issuer, subject  link.go            role.go
//	          openid.go                        └── mint (token.go): the identity's own token
//
// A login is a provider's name and the subject of the provider's token, and
// nothing else: an e-mail address or a user name can be given to somebody else.
// A login belongs to at most one identity of a pool, which storage guarantees;
// who gets it is decided in the transaction that writes it, so that any number
// of first sign-ins at once make one identity.
//
// An identity without logins is a guest's. It becomes a user's at the first
// sign-in, with its id unchanged, unless the login has an identity already: then
// that one is answered, and the guest's is disabled for good. So is an identity
// that lost its last login. A disabled identity is never handed out again.
package identitypool
