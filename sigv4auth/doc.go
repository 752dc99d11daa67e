// Package sigv4auth lets an API accept requests that are signed with the
// temporary credentials of a Latchkey identity pool (its own broker): with AWS
// Signature Version 4, by any AWS SDK, by botocore, by curl --aws-sigv4.
//
// The credentials carry in their session token, sealed, who holds them and with
// which secret they sign. So an API needs the key that they were made with and
// nothing else: no look-up, no call, no state that replicas share.
//
//	auth, err := sigv4auth.New(sigv4auth.Config{
//		Keys:     [][]byte{key}, // sigv4auth.ReadKey("credentials.key")
//		Regions:  []string{"us-east-1"},
//		Services: []string{"execute-api"},
//	})
//	http.Handle("/notes", auth.Require(notes))
//
//	func notes(w http.ResponseWriter, r *http.Request) {
//		caller, _ := sigv4auth.FromContext(r.Context())
//		… caller.IdentityID …
//	}
//
// What is checked, in this order: that the signature is complete and covers the
// host, every X-Amz- header and Content-Type; that path, query and signed headers read in
// one way only; its date; its region and service;
// the session token, which must open, belong to the access key id and not have
// expired; the signature; the hash of the body; that the request was not seen
// before; and who may come in at all ([Config.Pools], [Config.AllowGuests]).
// What the caller may then do is the handler's decision.
//
// # Replays
//
// An attacker who reads a signed request in transit can send it again while its date is
// fresh. TLS prevents that; as a second defense, a request that may change
// something (any method but GET, HEAD and OPTIONS, RFC 9110, section 9.2.1) is
// accepted once. AWS SDKs send different headers with each attempt of each call, so
// their retries are accepted. Two requests that are equal to the byte and were signed in
// the same second are one: a program that signs by itself and means both has to
// set a header that differs, such as X-Amz-Request-Nonce. A presigned URL that changes
// something counts in the same way, until it expires; those that only read may be used
// again. [Config.NoReplayCheck] lifts both.
//
// # One reading
//
// A signature covers a request in a normal form, so a request can be written in other ways
// and still verify. What a handler could then read differently is refused: a plus sign, a
// semicolon or a malformed escape in the query; values of a repeated parameter in another
// order than the sorted one; tabs and runs of blanks in X-Amz- headers; an escaped slash in
// the path beside a character that should be escaped and is not; and, except for the services
// of Amazon S3, empty and dot segments of the path, also between escaped slashes.
//
// # What it is not
//
// The key is symmetric: an API that can verify credentials could also make them,
// and knows the secrets of those that it has seen. APIs that do not trust each other
// to that extent need different pools and services, with different keys.
// AWS does not know these credentials; for real ones see the STS broker.
package sigv4auth
