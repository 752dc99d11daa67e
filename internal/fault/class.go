package fault

// Class says what an answer of the service, or the lack of one, means for the
// session and for the next call.
type Class uint8

// The classes. Unknown is an answer that nothing is known about, such as that of a
// proxy; it never ends a session.
const (
	Unknown       Class = iota
	Ended               // the session is over
	Refused             // NotAuthorizedException and its like, outside a refresh
	Device              // the refresh token is not accepted: from this device, or at all
	DeviceUnknown       // the service does not know the device of the session
	Misconfigured       // client or pool are configured wrongly
	TooManyCalls        // too many requests
	ServerFailed        // the service failed
	BadRequest          // the request was wrong
	Policy              // a firewall or a trigger refused
	ClockOff            // this machine's clock is off
	Unreached           // the service was not reached
	Malformed           // status 200, but not the answer to the request
	WrongIssuer         // tokens of another pool
	WrongUser           // tokens of another user or app client
	Canceled            // the caller's context ended
	IdentityGone        // the cached identity id does not belong to this login any more
	NoGuests            // the identity pool has no guests
	StaleLogin          // the identity pool wants a newer login token
	Conflict            // another client changed it at the same moment
)

// Kind is the kind of an answer of this class; code is its exception's name.
func (c Class) Kind(code string) error {
	if kind := KindOfCode(code); kind != nil && (c == Refused || c == Ended || c == BadRequest) {
		return kind
	}
	switch c {
	case Refused, Ended, Device, DeviceUnknown, IdentityGone, StaleLogin:
		return NotAuthorized
	case NoGuests:
		return GuestsDisabled
	case Misconfigured:
		return Config
	case TooManyCalls:
		return Throttled
	case BadRequest:
		return InvalidParameter
	case Policy:
		return Forbidden
	case Unreached:
		return Network
	case WrongIssuer, WrongUser:
		return WrongAccount
	}
	return Service
}

// KindOfCode is the kind of an exception's name; nil if the name has none of its own.
// The names are those of Cognito's API model.
func KindOfCode(code string) error {
	switch code {
	case "NotAuthorizedException", "TokenRevokedException", "RefreshTokenReuseException":
		return NotAuthorized
	case "UserNotFoundException":
		return UserNotFound
	case "UserNotConfirmedException":
		return UserNotConfirmed
	case "PasswordResetRequiredException":
		return PasswordResetRequired
	case "CodeMismatchException":
		return CodeMismatch
	case "ExpiredCodeException":
		return CodeExpired
	case "InvalidPasswordException", "PasswordHistoryPolicyViolationException":
		return InvalidPassword
	}
	return nil
}

// Hint is what a user or a developer can do about an answer of this class.
func (c Class) Hint() string {
	switch c {
	case Device, DeviceUnknown:
		return "the refresh token is not accepted from this device; sign in again"
	case Misconfigured:
		return "check the pool id, the client id and the client secret"
	case TooManyCalls:
		return "wait before trying again"
	case ServerFailed:
		return "the service or a proxy before it failed; try again later, and look at the service's log if it stays so"
	case ClockOff:
		return "check this machine's clock"
	case Policy:
		return "a firewall or a trigger of the user pool refused; ask its administrator"
	case Malformed, Unknown:
		return "something other than the service may have answered; check the endpoint and any proxy"
	case WrongIssuer:
		return "check the endpoint and Config.Issuer"
	case NoGuests:
		return "sign in, or allow unauthenticated identities in the identity pool"
	case IdentityGone:
		return "the identity is gone, or belongs to another login"
	}
	return ""
}
