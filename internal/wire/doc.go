// Package wire is the language that Cognito's two APIs speak: AWS JSON 1.1.
//
// It holds one definition for both ends. The client and the service use the
// same request and response shapes, operation table, exceptions and texts, so
// they cannot drift apart.
//
// A request travels like this:
//
//	client   Marshal(request) → POST / with X-Amz-Target: Target(service, op)
//	service  LookupTarget → Unmarshal → Validate → … → WriteResponse or WriteException
//	client   Unmarshal(response), or ReadException when the status is not 200
//
// Shapes are structs named after the operation, such as [InitiateAuthRequest]
// and [InitiateAuthResponse]; their fields carry AWS's member names. A member
// that is left out is the zero value. Members whose absence means something
// else than zero are pointers. Struct tags name the constraint of a member in
// AWS's own terms; [Validate] reads them once per type.
//
// Passwords, tokens, sessions and codes have the type [Sensitive], and the maps
// that carry them the type [Parameters]. Both print as [redacted] everywhere
// except in the JSON that this package itself writes.
package wire
