// Package oauth is the OAuth 2.0 and OpenID Connect side of a user pool:
// authorize, token, userInfo, revoke, logout, and the browser's session.
//
// A [Provider] has one handler for each endpoint. The server mounts them by path,
// at /{pool}/oauth2/…, and by host name, where the pool is the one whose domain
// the host is. The sign-in pages are elsewhere; they meet this package in three
// calls:
//
//	GET /oauth2/authorize ─▶ nobody signed in ─▶ 302 /login?the same query
//	                                                  │ [Provider.ReadRequest]
//	                                                  ▼ the person signs in
//	          cookie, 302 redirect_uri?code=…  ◀─ [Provider.Finish]
//
// and [Provider.Session] tells whether a browser is signed in.
//
// # The code
//
// A code is a sealed message. It names the session that it will become, so that
// nothing is stored until it is redeemed; storage then marks that id as used, in
// the transaction that makes the session. A second redemption finds the mark and
// ends the session (RFC 9700, section 4.5), and of fifty at once one is first. The
// code is bound to client, redirect URI and code challenge, and good for two minutes.
//
// # The browser's session
//
// A sealed cookie, new at each sign-in, good for an hour, for one pool. It holds
// the user's counts of sign-outs and passwords: when one has grown, the cookie is
// worth nothing.
package oauth
