// Package signin signs users in: by password, by SRP, through challenges, and at identity
// providers.
//
// A sign-in is a state machine over challenges. What the service must know between two
// steps travels with the client, sealed in the Session string (for SRP in SECRET_BLOCK);
// storage only learns which of them were spent. Each is good for one answer and for the
// client's AuthSessionValidity.
//
//	InitiateAuth                      RespondToAuthChallenge
//	USER_SRP_AUTH ──────────────────▶ PASSWORD_VERIFIER ──┐
//	USER_PASSWORD_AUTH ───────────────────────────────────┤ first factor passed
//	                                                      ▼
//	        user has to change the password ──▶ NEW_PASSWORD_REQUIRED ──┐
//	        otherwise ──────────────────────────────────────────────────┤
//	                                                                    ▼
//	                                            package tokens: SignIn
//
// JudgePassword, NewPassword and SignInElsewhere are the same for the service's own pages;
// they end with a user who is proven and without tokens.
package signin
