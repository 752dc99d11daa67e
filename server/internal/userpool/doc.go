// Package userpool answers the user pool API, the operations of
// AWSCognitoIdentityProviderService. It only puts the flows together:
//
//	signin ──▶ tokens ──▶ pool        sign-in and its challenges
//	accounts ─▶ tokens ─▶ pool        users and groups
//	admin ────▶ tokens ─▶ pool        pools, clients and what belongs to them
//
// Each flow says which operations it offers; [Service.Operations] is the table of all.
// An operation reads what it needs in one storage view, does its slow work (arithmetic,
// signatures) outside any transaction, and changes storage in one update, so that an
// answer that was sent is an answer that is kept.
package userpool
