// Package tokens issues, refreshes, verifies and revokes the tokens of user pools, for the
// API and for the OAuth endpoints.
//
//	SignIn (a user who has proven who they are) ──▶ session row + three tokens
//	GetTokensFromRefreshToken, RefreshTokenAuth ──▶ two tokens (three with rotation)
//	IssueTokens, RefreshTokens, ClientToken     ──▶ the same for package oauth
//	RevokeToken, GlobalSignOut                  ──▶ the end of sessions
//
// A refresh token is derived from its session's row, which names the generation that is
// good. Every end of a session is written before it is answered.
package tokens
