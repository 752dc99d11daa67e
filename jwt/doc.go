// Package jwt reads and verifies the tokens of an Amazon Cognito user pool, or of a
// service compatible with one.
//
// # Which function for which case
//
//   - An API receives a bearer token: [Verifier.VerifyAccess].
//   - A web application receives tokens after a sign-in: [Verifier.VerifyID], then
//     [IDToken.CheckNonce] if the sign-in went through a redirect. Do not accept ID
//     tokens at an API: they are made for the client and carry no scopes.
//   - A program wants to show a token, or to know when its own one expires:
//     [Decode]. Nothing is verified, and the result, [Unverified], does not pass
//     for a verified token.
//   - Keys come over the network: leave Config.Keys empty, or use [NewRemoteKeys]
//     to share one set among verifiers or to hear about failures.
//   - The program has the keys, as in tests or without a network: [ParseKeys].
//   - Keys come from elsewhere: implement [KeySource], one method.
//   - A claim has no method: [Claims.Lookup] for one, [Claims.Decode] for a struct,
//     [Claims.All] for a map, [Claims.Payload] for the bytes.
//
// Make one [Verifier] per issuer and keep it. It holds the keys and remembers the
// tokens it has verified: the second request with the same token costs about as
// much as reading the clock twice.
//
// # What is checked
//
// In this order: at most 50,000 bytes (Config.MaxTokenBytes); three parts; strict base64url; the header's alg is
// RS256 and nothing in it changes what the signature means; the issuer has a key with
// exactly this kid; the signature; the payload is strict JSON; iss; token_use; sub;
// client_id of access tokens, aud of ID tokens; exp, nbf and iat. So [ErrExpired]
// always means a token that was good. Nothing the token says makes this package
// open a connection, and no claim is given out with an error.
//
// Strict JSON means: names match byte for byte, none stands twice in one object,
// text is valid UTF-8 without lone surrogates, nothing nests deeper than 32, nothing
// follows. Times are whole seconds, as Cognito writes them. The access tokens of
// Cognito have no aud; when a token is bound to a resource (RFC 8707) its aud is
// accepted, and compared if Config.Resource is set.
//
// # Revocation
//
// A signature does not show later events: a token stays valid until it expires, even after a
// sign-out. At Amazon's service only a short life of tokens helps. Latchkey's service
// publishes which sessions have ended:
//
//	revocations, err := jwt.FollowRevocations(issuer)
//	verifier, err := jwt.NewVerifier(jwt.Config{…, Revocations: revocations})
//	err = revocations.Ready(ctx) // before serving
//
// A [Verifier] then asks [Revocations] about every token, remembered ones included,
// and refuses those of a session that has ended with [ErrRevoked], as a rule within
// milliseconds. A follower that cannot hear the feed refuses all tokens after half a
// minute with [ErrRevocationsUnavailable], or accepts them and says so: see
// [RevocationOptions]. Another source of revocations is one method:
// [RevocationSource]. A token that has neither origin_jti nor event_id belongs to no
// session that could be named, and passes.
//
// # Keys and remembered tokens
//
// Keys are fetched by the first token that needs them, and again, behind a token
// that finds it due, every five minutes or as the server's max-age says. Known keys
// are always answered from memory. A key id that is unknown causes at most one fetch
// in ten seconds for the whole process, however many such tokens arrive. A new set
// replaces the old one, so a withdrawn key goes; while the issuer cannot be reached,
// the last set serves for a day. See [RemoteKeys].
//
// A [Verifier] remembers tokens that passed, and only those, by their whole text and
// apart for each use. A remembered token is still refused once it expires or its key
// is gone: clock and key are asked at each call.
//
// # How the files meet
//
// Decode and a Verifier both start with split (decode.go: size, dots, base64url.go)
// and scan the JSON (scan.go) into positions of its members; Claims (claims.go,
// payload.go) read values at those positions when they are asked for. check.go is
// the order of verification, verify.go its public face, cache.go what it remembers.
// keys.go reads key sets, remote.go decides when to fetch one, fetch.go does.
// revocation.go is the public face of a follower, revocation_follow.go its goroutine,
// revocation_page.go reads what the feed says and revocation_table.go remembers it.
// panic.go turns panics of foreign code in the package's goroutines into errors.
//
// # Errors
//
// An error about a token is an [*Error] and matches one kind, such as [ErrExpired],
// with errors.Is. [ErrKeysUnavailable] and [ErrRevocationsUnavailable] are the two that
// say nothing about the token.
// Errors, logs and every other printing show a summary and never the token.
//
// # Compatibility
//
// The package follows semantic versioning with its module. Within a major version
// exported names keep their meaning, no accepted form of token is refused unless it
// proves unsafe, and no check is dropped. Error texts and summaries are for people
// and may change; kinds and Error.Part do not.
package jwt
