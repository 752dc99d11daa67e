package wire

import "errors"

// Answers that several operations give in the same words.

// PoolNotFound is the answer for a user pool that does not exist.
func PoolNotFound(poolID string) *Exception {
	return NewException(ResourceNotFoundException, "User pool "+poolID+" does not exist.")
}

// ClientNotFound is the answer for an app client that does not exist.
func ClientNotFound(clientID string) *Exception {
	return NewException(ResourceNotFoundException, "User pool client "+clientID+" does not exist.")
}

// UserNotFound is the answer for a user who does not exist, where that may be told.
func UserNotFound() *Exception {
	return NewException(UserNotFoundException, MessageUserDoesNotExist)
}

// MissingParameter is the answer for AuthParameters or ChallengeResponses without name.
func MissingParameter(name string) *Exception {
	return NewException(InvalidParameterException, "Missing required parameter "+name)
}

// SecretHashMissing is the answer of a client with a secret to a call without
// its hash. Clients take it for a configuration mistake, not for a dead session.
func SecretHashMissing(clientID string) *Exception {
	return NewException(NotAuthorizedException, "Client "+clientID+" is configured with secret but SECRET_HASH was not received")
}

// SecretHashWrong is the answer to a hash that does not fit, at sign-in.
func SecretHashWrong(clientID string) *Exception {
	return NewException(NotAuthorizedException, "Unable to verify secret hash for client "+clientID)
}

// SecretHashMismatch is the answer to a hash that does not fit, at a refresh.
func SecretHashMismatch(clientID string) *Exception {
	return NewException(NotAuthorizedException, "SecretHash does not match for the client: "+clientID)
}

// IsException reports whether err is an [*Exception] of that type.
func IsException(err error, typ string) bool {
	e, ok := errors.AsType[*Exception](err)
	return ok && e.Type == typ
}
