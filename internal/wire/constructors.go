package wire

// Further exceptions whose texts name something. Each text is Cognito's own
// unless its comment says otherwise.

// AttributeNotInSchema says that a pool has no such attribute. The line break
// is Cognito's: it writes one line per attribute.
func AttributeNotInSchema(name string) *Exception {
	return Exceptionf(InvalidParameterException, "Attributes did not conform to the schema: %s: Attribute does not exist in the schema.\n", name)
}

// AttributeRequired says that an attribute which the pool demands is missing.
func AttributeRequired(name string) *Exception {
	return Exceptionf(InvalidParameterException, "Attributes did not conform to the schema: %s: The attribute is required\n", name)
}

// ContactExists says that another user has the e-mail address or telephone
// number; attribute is "email" or "phone_number".
func ContactExists(attribute string) *Exception {
	return Exceptionf(UsernameExistsException, "An account with the given %s already exists.", attribute)
}

// InvalidSearchAttribute says that ListUsers cannot filter by an attribute.
func InvalidSearchAttribute(name string) *Exception {
	return Exceptionf(InvalidParameterException, "Invalid search attribute: %s", name)
}

// UnknownOperation says that a target names no operation. Cognito sends no text.
func UnknownOperation() *Exception { return NewException(UnknownOperationException, "") }

// NotOffered says that Cognito has the operation and this service does not. The
// text is ours: it says what a user of Cognito must know.
func NotOffered(o Operation) *Exception {
	return Exceptionf(UnknownOperationException, "%s is an operation of Amazon Cognito that this service does not offer.", o.Name)
}

// TokenTooLong answers for tokens that would be longer than [MaxToken] bytes; use is
// their token_use. Its type is none that ends a session, and its text can be an OAuth
// error_description.
func TokenTooLong(use string, length int) *Exception {
	return Exceptionf(InvalidUserPoolConfigurationException,
		"The %s token would have %d characters; at most %d are possible. Remove groups, role ARNs or attributes of the user, or limit the ReadAttributes of the app client.",
		use, length, MaxToken)
}

// BodyTooLarge says that a request is longer than [MaxRequestBody].
func BodyTooLarge() *Exception {
	return Exceptionf(RequestEntityTooLargeException, "The request body is longer than %d bytes.", MaxRequestBody)
}

// IdentityPoolNotFound says that there is no such identity pool.
func IdentityPoolNotFound(id string) *Exception {
	return Exceptionf(ResourceNotFoundException, "IdentityPool '%s' not found.", id)
}

// IdentityNotFound says that there is no such identity.
func IdentityNotFound(id string) *Exception {
	return Exceptionf(ResourceNotFoundException, "Identity '%s' not found.", id)
}

// IdentityForbidden says that an identity which belongs to a login was asked
// for without one.
func IdentityForbidden(id string) *Exception {
	return Exceptionf(NotAuthorizedException, "Access to Identity '%s' is forbidden.", id)
}

// LoginTokenExpired says that a login's ID token is too old; both times are
// seconds since 1970.
func LoginTokenExpired(now, expires int64) *Exception {
	return Exceptionf(NotAuthorizedException, "Invalid login token. Token expired: %d >= %d", now, expires)
}
