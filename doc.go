// Package latchkey keeps users signed in. It holds the session of a user of an
// Amazon Cognito user pool, or of a service with the same protocol: it stores the session,
// refreshes its tokens, gives them to callers, and ends it on sign-out or when the service
// revokes it. It is for Go what Amplify Auth's session management is for browsers and phones.
//
//	client, err := latchkey.New(latchkey.Config{UserPoolID: "us-east-1_abc123DEF", ClientID: "…"})
//	…
//	step, err := client.SignIn(ctx, latchkey.Password("alice", password))
//	…
//	session, err := client.FetchSession(ctx)
//	…
//	tokens, err := session.Tokens()
//
// # What happens to tokens
//
// [Client.FetchSession] is meant to be called whenever a token is needed. While
// tokens are fresh it reads a clock and an atomic pointer. When they are about to
// expire, one refresh runs behind the callers; when they have expired, callers
// wait for it under their own contexts. All goroutines of a client share one
// refresh, and so do all processes that share a [store.Store] with locks, which
// matters where the service rotates refresh tokens. New tokens are stored before
// anything else is done with them.
//
// # What ends a session
//
// Two things: the user signs out ([Client.SignOut], [Client.GlobalSignOut]), or
// the service refuses a refresh with an exception that says so. Being offline, a proxy's error
// page, throttling, an outage, a wrong configuration and a wrong clock end
// nothing. An ended session stays ended, as ErrSessionExpired, until the next
// sign-in; it is never replaced by a guest in silence.
//
// # AWS credentials
//
// With Config.IdentityPoolID a session also has an identity id and AWS credentials; guests
// get them too, if allowed. Credentials are fetched on demand and refreshed like tokens, but
// independently of them: an identity pool that fails does not affect the tokens, and never
// ends a session.
// [Client.FetchCredentials] gives them alone, package cognitocreds gives them to
// aws-sdk-go-v2, and [Client.Federate] gets them for another provider's token.
//
// # Errors
//
// Facets of a [Session] fail on their own. Errors have a kind for errors.Is and
// details in an [*Error]:
//
//	switch _, err := session.Tokens(); {
//	case errors.Is(err, latchkey.ErrSignedOut), errors.Is(err, latchkey.ErrSessionExpired):
//		// ask the user to sign in
//	case errors.Is(err, latchkey.ErrNetwork):
//		// offline: the user is still signed in
//	}
//
// # How the parts meet
//
// A session is a [store.Record]; package store defines the
// Store interface, and the packages below it implement it. Tokens are
// [jwt.Unverified]: they come from the service itself, so a client has no need to
// verify them; an API that receives them does, with [jwt.Verifier].
// [Client.TokenSource] and [Client.HTTPClient] hand access tokens to whatever
// takes an oauth2.TokenSource or an *http.Client.
//
// Inside, this package has the types and the calls. The session itself is in
// internal/session: who owns its state, how it is stored and renewed. internal/cognito
// calls the service and says what an answer means.
package latchkey
