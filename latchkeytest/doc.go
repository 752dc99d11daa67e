// Package latchkeytest runs the real service inside a test: the one that
// `latchkey up` runs, over memory, with a clock and faults that the test sets.
//
//	func TestProfile(t *testing.T) {
//		srv := latchkeytest.NewServer(t)
//		srv.AddUser(latchkeytest.User{Username: "ann", Password: "Correct-Horse-9"})
//		client, err := latchkey.New(srv.Config())
//		…
//	}
//
// The service listens on loopback at [Server.URL] for anything that speaks to
// Cognito. [Server.HTTPClient] reaches it without a socket, which lets a test
// run inside a testing/synctest bubble.
//
// Every server has an identity pool too, whose credentials last as long as the test
// says ([CredentialLife]) and which takes guests ([GuestsOff]), other providers' users
// ([LoginProvider]) and the application's own ([DeveloperProvider]).
//
// [Server.Advance] moves the service's clock; [Server.Fail] makes the next
// calls of an operation fail in a way of the test's choosing, and
// [Server.Calls] counts what arrived.
package latchkeytest
