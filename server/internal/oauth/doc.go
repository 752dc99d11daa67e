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
// # Other providers
//
// With identity_provider, or a client that has one provider, authorize leads to that
// provider instead of the login page, and the browser comes back to the provider's
// redirect URI, which has a segment for the provider:
//
//	authorize ─▶ 302 the provider, with a state ─▶ the person signs in there
//	                                                    ▼
//	cookie, 302 redirect_uri?code=… ◀─ Finish ◀─ /oauth2/idpresponse/Corp?code=…&state=…
//
// The state is a sealed message: the authorization request, the provider, the secrets
// of the attempt, and the hash of a cookie that only the browser has which began it.
// It is good for one use within ten minutes, at the redirect URI of its provider: what
// an honest provider answers cannot be taken for an attacker's answer (RFC 9700, section
// 4.4). Providers from before share /oauth2/idpresponse, as long as at most one of them
// leaves its issuer out of its answers. What goes over the wire to the provider is
// package federation's.
//
// # The browser's session
//
// A sealed cookie, new at each sign-in, good for an hour, for one pool. It holds
// the user's counts of sign-outs and passwords: when one has grown, the cookie is
// worth nothing. So is a copy of it after /logout or a new sign-in, which note the
// session's id.
package oauth
