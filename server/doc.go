// Package server is the self-hosted service: a Cognito-compatible user pool
// behind one [http.Handler]. This package only wires its parts:
//
//	userpool   answers the user pool operations
//	keys       signing keys, their rotation and the JWKS document
//	policy     password rules, lockout, limits
//	storage    what must not be forgotten: in memory, SQLite or PostgreSQL
//
// A request comes in on POST / with its operation in X-Amz-Target. The server
// bounds its size and its source's rate, checks the administrator's AWS
// Signature Version 4 where the operation demands one, hands the body to the
// operation's handler, and writes the answer in Cognito's envelope. Beside
// that it serves each pool's JWKS and discovery document, and /healthz and /readyz.
//
// [New] makes the handler, [Server.Serve] runs it on listeners with all
// timeouts set until its context ends.
package server
