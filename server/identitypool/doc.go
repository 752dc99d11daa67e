// Package identitypool answers the identity pool API: the operations of
// AWSCognitoIdentityService. It verifies login tokens, finds or makes the
// identity that belongs to them, chooses a role, and has a [Broker] make
// credentials.
package identitypool
