// Package fault describes failures inside the session client.
//
// A [Fault] says what failed ([Fault.Kind]), what Cognito answered (Code, Message,
// RequestID) and what follows for the session ([Class], EndsSession, Retryable).
// Every room of the client returns faults; the root package turns them into its
// public *Error in one place, so that no decision hides in a public type.
package fault
