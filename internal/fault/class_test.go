package fault

import (
	"errors"
	"testing"
)

// TestKindOfClass checks the kind of each class, without an exception and with one that
// has a kind of its own: that counts where the request was refused, and only there.
func TestKindOfClass(t *testing.T) {
	t.Parallel()
	const own = "UserNotFoundException"
	for class, want := range map[Class]struct{ plain, named error }{
		Unknown:       {Service, Service},
		Ended:         {NotAuthorized, UserNotFound},
		Refused:       {NotAuthorized, UserNotFound},
		Device:        {NotAuthorized, NotAuthorized},
		DeviceUnknown: {NotAuthorized, NotAuthorized},
		Misconfigured: {Config, Config},
		TooManyCalls:  {Throttled, Throttled},
		ServerFailed:  {Service, Service},
		BadRequest:    {InvalidParameter, UserNotFound},
		Policy:        {Forbidden, Forbidden},
		ClockOff:      {Service, Service},
		Unreached:     {Network, Network},
		Malformed:     {Service, Service},
		WrongIssuer:   {WrongAccount, WrongAccount},
		WrongUser:     {WrongAccount, WrongAccount},
		Canceled:      {Service, Service},
		IdentityGone:  {NotAuthorized, NotAuthorized},
		NoGuests:      {GuestsDisabled, GuestsDisabled},
		StaleLogin:    {NotAuthorized, NotAuthorized},
		Conflict:      {Service, Service},
	} {
		for code, want := range map[string]error{"": want.plain, own: want.named, "SomethingException": want.plain} {
			if got := class.Kind(code); !errors.Is(got, want) {
				t.Errorf("class %d with %q: %v, want %v", class, code, got, want)
			}
		}
	}
}

// TestKindOfCode checks the exceptions that have a kind of their own.
func TestKindOfCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		"NotAuthorizedException": NotAuthorized, "TokenRevokedException": NotAuthorized, "RefreshTokenReuseException": NotAuthorized,
		"UserNotFoundException": UserNotFound, "UserNotConfirmedException": UserNotConfirmed, "PasswordResetRequiredException": PasswordResetRequired,
		"CodeMismatchException": CodeMismatch, "ExpiredCodeException": CodeExpired,
		"InvalidPasswordException": InvalidPassword, "PasswordHistoryPolicyViolationException": InvalidPassword,
		"": nil, "notauthorizedexception": nil, "NotAuthorizedException:": nil, "LimitExceededException": nil,
	} {
		if got := KindOfCode(code); !errors.Is(got, want) {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
}

// TestHints checks that what a user or a developer can mend has a hint, and that a refusal
// of the user's own input has none: the message says it.
func TestHints(t *testing.T) {
	t.Parallel()
	without := map[Class]bool{
		Ended: true, Refused: true, BadRequest: true, Unreached: true, WrongUser: true, Canceled: true, StaleLogin: true, Conflict: true,
	}
	hints := map[string]Class{}
	for class := Unknown; class <= Conflict; class++ {
		hint := class.Hint()
		if (hint == "") != without[class] {
			t.Errorf("class %d: hint %q", class, hint)
		}
		other, shared := hints[hint]
		together := class == DeviceUnknown && other == Device || class == Malformed && other == Unknown
		if hint != "" && shared && !together {
			t.Errorf("classes %d and %d share %q", other, class, hint)
		}
		if !shared {
			hints[hint] = class
		}
		if f := OfClass("op", class, "m"); f.Hint != hint || f.Class != class || !errors.Is(f, class.Kind("")) {
			t.Errorf("class %d: %+v", class, f)
		}
	}
}
