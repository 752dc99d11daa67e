// Package oauth is the OAuth 2.0 and OpenID Connect side of a user pool: the endpoints
// authorize, token, userInfo, revoke and logout, and the browser's session.
//
// A [Provider] has one part for each endpoint. The server mounts them by path, at
// /{pool}/oauth2/…, and by host name, which is the domain of a pool. The sign-in pages are
// in another package; they use [Provider.ReadRequest], [Provider.Finish],
// [Provider.EndSession], and [Provider.Keep] and [Provider.Kept] for notes between pages:
//
//	GET /oauth2/authorize ─▶ no session ─▶ 302 /login?the same query
//	                                            │ ReadRequest
//	                                            ▼ the user signs in
//	          cookie, 302 redirect_uri?code=… ◀─ Finish
//
// # Parts
//
//	front               place.go      the pool of a request, and its method
//	requests            request.go    reads authorization requests, addresses the answers to them
//	refusals            refusal.go    answers browsers whose request is refused
//	replies             reply.go      answers programs whose request is refused
//	authenticator       clientauth.go the client of a form, and its secret
//	sealer, cookies     seal.go       what browsers carry, sealed per purpose and pool
//	browserSessions     browser.go    begin, read and end the session of a browser
//	pageMemory          memory.go     notes of one sign-in page for the next
//	codes               code.go       authorization codes
//	authorizeEndpoint   authorize.go  the answer to the client: a code, tokens or an error
//	departures          depart.go     to another provider, and the state that binds its answer
//	returnEndpoint      return.go     back from another provider
//	tokenEndpoint       token.go      code, refresh and client credentials grants
//	revocationEndpoint, userInfoEndpoint, logoutEndpoint, discovery
//
// Endpoints use the parts above them; only returnEndpoint uses another endpoint: it ends in
// authorizeEndpoint's Finish, as the sign-in pages do.
//
// # The code
//
// A code is a sealed message. It names the session that it will become, so that nothing is
// stored until the client redeems it; storage marks that id as used in the transaction that
// makes the session. A second redemption finds the mark and ends the session (RFC 9700,
// section 4.5); of concurrent redemptions one succeeds. The code is bound to client, redirect
// URI and code challenge, and expires after two minutes.
//
// # Other providers
//
// With identity_provider, or for a client with one provider, authorize redirects to that
// provider instead of the login page. The browser returns to the provider's redirect URI,
// whose last segment names the provider:
//
//	authorize ─▶ 302 the provider, with a state ─▶ the user signs in there
//	                                                    ▼
//	cookie, 302 redirect_uri?code=… ◀─ Finish ◀─ /oauth2/idpresponse/Corp?code=…&state=…
//
// The state is a sealed message: the authorization request, the provider, the secrets of the
// attempt, and the hash of a cookie of the browser that began it. It can be used once within
// ten minutes, at the redirect URI of its provider, so that the answer of an honest provider
// is not taken for one of an attacker's (RFC 9700, section 4.4). Providers from earlier
// versions share /oauth2/idpresponse, if at most one of them omits its issuer from answers.
// Package federation speaks the protocol of the providers.
//
// # The browser's session
//
// A sealed cookie for one pool, new at each sign-in, expires after an hour. It contains the
// user's counts of sign-outs and passwords: the session ends when one of them has changed.
// Logout and a new sign-in store the session's id as ended, so that copies of the cookie are
// refused.
package oauth
