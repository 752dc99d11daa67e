// Package openid reaches OpenID providers that are not this service: identity pools
// take their ID tokens as logins, and user pools send people there to sign in.
//
//	Reach ─ which addresses are admitted, checked at the very connection
//	  └▶ Remotes ─ configuration of an issuer, fetched and kept ─▶ jwt.Verifier
//	       └▶ Fetch ─ one bounded request, such as for tokens or userinfo
//
// What a provider answers comes from outside: sizes and times are bounded,
// redirects are not followed, and an issuer answers for itself only.
package openid
