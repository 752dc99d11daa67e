// Package federation signs people in at other providers, as a client of theirs.
//
// A user pool has providers of five kinds. Three speak OpenID Connect (OIDC, Google,
// SignInWithApple), two OAuth 2.0 with a profile of their own (Facebook,
// LoginWithAmazon); a profile fills in what an administrator leaves out, and all go
// the same way: the authorization code grant with PKCE, a state, and a nonce.
//
//	Complete ─ an administrator's ProviderDetails, checked and filled in
//	[Party.Begin] ─▶ where the browser goes ─▶ the person signs in there
//	[Party.Finish] ◀─ code, iss ◀─ the browser comes back
//	   └▶ token endpoint ─▶ ID token, verified ─▶ userinfo, if a claim is missing ─▶ [Person]
//
// Whose browser came back, and what becomes of the person, are others' business:
// packages oauth and userpool.
package federation
