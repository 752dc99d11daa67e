// Package identitypool answers the identity pool API, AWSCognitoIdentityService: it verifies
// login tokens, finds or makes the identity that they belong to, chooses a role, and
// requests credentials for it from a [plug.Broker].
//
// [New] makes the parts and connects them. Operations are in groups, one type each, and
// [Service.Operations] assembles the table of all groups.
//
//	clientOperations         client.go          operations of clients: an identity, its credentials
//	poolOperations           pools.go           identity pools and their settings
//	roleOperations           role.go            a pool's roles and role mappings
//	tagMapOperations         principal.go       which claims become principal tags
//	tagOperations            tags.go            a pool's tags
//	identityOperations       identities.go      list, describe and delete identities
//	developerOperations      developer.go       tokens for users that the application signs in itself
//	developerLinkOperations  developerlinks.go  merge and unlink those users
//
// The operations of clients go through these parts, each of which knows only those after it:
//
//	admission ──▶ loginVerifier ──▶ proven logins ──▶ linker ──▶ visitor
//	                providers                                      │
//	                                roles, principalTags ◀─────────┘
//	                                        │
//	                  identityTokens ◀── plug.Broker
//
// A loginVerifier (login.go, openid.go) verifies tokens of user pools and of other OpenID
// providers; providers (provider.go) finds the provider that a key of Logins means in one
// pool. A linker (link.go) decides which identity the logins get. The visitor is the result:
// pool, identity and proven logins. For a visitor, roles chooses the role, principalTags
// maps claims, and identityTokens (token.go) signs the identity's own OpenID token.
//
// # Identities
//
// A login is a provider's name and the subject of the provider's token. It contains no
// e-mail address and no user name, because another user may get those later. A login
// belongs to at most one identity of a pool; storage guarantees it, and the linker decides
// in the transaction that writes, so that concurrent first sign-ins make one identity.
//
// An identity without logins is a guest's. The first sign-in makes it the user's, and its id
// stays the same. If the login already has an identity, the user gets that one, and the
// guest's is disabled. An identity that loses its last login is disabled too. Disabled
// identities are never enabled again.
package identitypool
