// Package userpool answers the user pool API: the operations of
// AWSCognitoIdentityProviderService, grouped in files by flow.
//
// [Service.Operations] is the table that the server dispatches by. Each
// operation reads what it needs in one storage view, does its slow work
// (arithmetic, signatures) outside any transaction, and changes storage in
// one update, so that an answer that was sent is an answer that is kept.
//
// # Signing in
//
// A sign-in is a walk over challenges. What the service must remember between
// two steps travels with the client, sealed in the Session string (or in
// SECRET_BLOCK, for the SRP step); storage only learns which of them were
// spent. Each is good for one answer and for the client's AuthSessionValidity.
//
//	InitiateAuth                      RespondToAuthChallenge
//	USER_SRP_AUTH ──────────────────▶ PASSWORD_VERIFIER ──┐
//	USER_PASSWORD_AUTH ───────────────────────────────────┤ first factor passed
//	                                                      ▼
//	        user has to change the password ──▶ NEW_PASSWORD_REQUIRED ──┐
//	        otherwise ──────────────────────────────────────────────────┤
//	                                                                    ▼
//	                                       session row + three tokens
//	REFRESH_TOKEN_AUTH, GetTokensFromRefreshToken ──▶ two tokens (three with rotation)
//
// The password is judged in three steps, in this order: the attempt is counted
// (durably, before anything is compared, so that fifty guesses at once count as
// fifty), the proof is checked, and only after a right proof does the account's
// state speak: disabled, unconfirmed, reset required. Whoever does not know the
// password learns nothing of the account, and for a user that does not exist
// the same work is done on a made-up verifier.
package userpool
