// Package server is the self-hosted service: Cognito-compatible user pools and
// identity pools, OAuth endpoints and sign-in pages behind one http.Handler.
//
//	service, err := server.New(server.Config{Storage: store, SealingKeys: keys, PublicURL: "https://auth.example.com"})
//	…
//	err = service.Call(ctx, "CreateUserPool", map[string]any{"PoolName": "staff"}, &made)
//	…
//	err = service.Serve(ctx, tls.NewListener(listener, tlsConfig))
//
// A program makes the parts that [Config] takes: a store of package storage/sqlite, a
// messenger such as package mail's Sender, a broker of package ownbroker or stsbroker, or
// other implementations of the interfaces of package plug. [New] makes the handler,
// [Server.Serve] runs it on listeners with all timeouts set, and [Server.Call] performs any
// operation in the process.
//
// Over HTTP a request comes in on POST / with its operation in X-Amz-Target. The server
// bounds its size and the rate of its source, checks the AWS Signature Version 4 of an
// administrator where the operation needs one, performs the operation, and answers in
// Cognito's envelope. It also serves each pool's JWKS and discovery document, the OAuth
// endpoints and pages below the pool's id or on its domains, and /healthz and /readyz.
//
// # The revocation feed
//
// The signature of a token is valid until the token expires. For resource servers that must
// not accept a token after its session has ended, each pool publishes the sessions that have
// ended, at /{pool}/.well-known/revocations, public like the JWKS. The feed names sessions by
// ids that only their tokens have, and users by a hash.
//
//	GET …/revocations?after=N&wait=SECONDS
//
// answers with the entries behind number N, in pages; where there are none it
// waits up to that many seconds (55 at most) for the first:
//
//	{"revocations":[{"seq":…,"origin_jti":"…","event_id":"…","until":…}],"next":…,"more":true}
//
// next is the after of the next request; more says that it need not wait. until is
// the time, in seconds since 1970, after which no token of the session is left and
// the entry may be forgotten. With Accept: text/event-stream the same documents
// come as server-sent events, whose ids are next, and with a comment every five
// seconds while there is nothing to say. 410 means that this feed does not continue
// from N: begin again without after, and keep what is known.
//
// An entry is written in the transaction that ends the session, and sent as soon as
// that is committed. It gives both origin_jti and event_id, because a client whose
// token revocation is switched off has tokens without origin_jti. event_id is the id
// of the session in tokens of this service, and every token has it; in Cognito's it
// is not. When a pool is deleted its feed answers 404.
//
// A user whose sessions end again and again, about 200 times within the life of a
// token, gets an entry for the user, which replaces those of the sessions:
//
//	{"seq":…,"user":"…","before":…,"except":["…"],"replaced":["…"],"until":…}
//
// user is the first 16 bytes of the SHA-256 of the sub, in base64url without padding.
// All tokens of that user whose iat is less than before belong to sessions that have
// ended, except those whose event_id is in except. replaced are event_ids of earlier
// entries that need not be kept any more. A later entry for the same user replaces
// the whole entry. before lies at least five seconds back, so that no entry hits a
// sign-in of the same second; a session whose tokens come later than that, because a
// clock was set back, is added to except before its tokens are answered. Thus a user
// takes a bounded part of a follower's memory: at most Limits.SessionsPerUser
// exceptions, and the entries since.
package server
