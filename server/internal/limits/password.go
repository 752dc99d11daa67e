package limits

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits that Cognito sets to every pool: the range of a policy's minimum
// length, and the longest password, in characters (Cognito quotas, "Password
// policy"; PasswordType of the API).
const (
	LeastMinimumLength = 6
	MostMinimumLength  = 99
	MaximumLength      = 256
)

// symbols are the characters that count as symbols, as Cognito's developer
// guide lists them ("Adding user pool password requirements"). A space that is
// neither first nor last counts too.
const symbols = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+="

// PasswordRules is the password policy of a pool, with the fields of Cognito's
// PasswordPolicyType. Letters and digits are those of Basic Latin, as there:
// others are allowed and satisfy no rule.
type PasswordRules struct {
	MinimumLength    int // characters
	RequireUppercase bool
	RequireLowercase bool
	RequireNumbers   bool
	RequireSymbols   bool
	// TemporaryPasswordValidityDays is how long the user has to replace a
	// password that was set for them, 0 to 365.
	TemporaryPasswordValidityDays int
}

// Default returns the policy of a pool that was created without one: eight
// characters with all four kinds, temporary passwords good for a week.
func Default() PasswordRules {
	return PasswordRules{
		MinimumLength:                 8,
		RequireUppercase:              true,
		RequireLowercase:              true,
		RequireNumbers:                true,
		RequireSymbols:                true,
		TemporaryPasswordValidityDays: 7,
	}
}

// Validate says whether Cognito would accept the rules for a pool. The error's
// text names the member that is out of its range.
func (r PasswordRules) Validate() error {
	if r.MinimumLength < LeastMinimumLength || r.MinimumLength > MostMinimumLength {
		return fmt.Errorf("policy: MinimumLength is %d, want %d to %d", r.MinimumLength, LeastMinimumLength, MostMinimumLength)
	}
	if days := r.TemporaryPasswordValidityDays; days < 0 || days > 365 {
		return fmt.Errorf("policy: TemporaryPasswordValidityDays is %d, want 0 to 365", days)
	}
	return nil
}

// TemporaryUntil returns until when a temporary password set at now is good.
func (r PasswordRules) TemporaryUntil(now time.Time) time.Time {
	return now.Add(time.Duration(r.TemporaryPasswordValidityDays) * 24 * time.Hour)
}

// PasswordError says why a password was refused, in Cognito's words.
type PasswordError struct {
	// Malformed means that no pool takes such a password: Cognito's API model
	// excludes it, and the answer is InvalidParameterException. Otherwise this
	// pool's policy excludes it: InvalidPasswordException.
	Malformed bool
	// Message is the text of the exception. It does not hold the password.
	Message string
}

func (e *PasswordError) Error() string { return e.Message }

// Check returns nil if the password conforms, and otherwise a *[PasswordError]
// for the first rule it fails, in Cognito's order: the limits of the API model,
// then length, uppercase, lowercase, numeric and symbol characters.
func (r PasswordRules) Check(password string) error {
	length := utf8.RuneCountInString(password)
	if violated := modelConstraint(password, length); violated != "" {
		return &PasswordError{
			Malformed: true,
			Message:   "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must " + violated,
		}
	}
	if violated := r.violated(password, length); violated != "" {
		return &PasswordError{Message: "Password did not conform with policy: " + violated}
	}
	return nil
}

// modelConstraint returns the end of the validation error for a password that
// no pool takes.
func modelConstraint(password string, length int) string {
	switch {
	case length < LeastMinimumLength:
		return fmt.Sprintf("have length greater than or equal to %d", LeastMinimumLength)
	case length > MaximumLength:
		return fmt.Sprintf("have length less than or equal to %d", MaximumLength)
	case strings.TrimSpace(password) != password:
		return `satisfy regular expression pattern: ^[\S]+.*[\S]+$`
	}
	return ""
}

// violated returns the text of the first rule of the pool that fails.
func (r PasswordRules) violated(password string, length int) string {
	has := classify(password)
	switch {
	case length < r.MinimumLength:
		return "Password not long enough"
	case r.RequireUppercase && !has.upper:
		return "Password must have uppercase characters"
	case r.RequireLowercase && !has.lower:
		return "Password must have lowercase characters"
	case r.RequireNumbers && !has.number:
		return "Password must have numeric characters"
	case r.RequireSymbols && !has.symbol:
		return "Password must have symbol characters"
	}
	return ""
}

// classes are the kinds of characters in a password.
type classes struct{ upper, lower, number, symbol bool }

// classify takes a password without space at its ends, where a space is no
// symbol.
func classify(password string) classes {
	var has classes
	for i := range len(password) {
		switch c := password[i]; {
		case 'A' <= c && c <= 'Z':
			has.upper = true
		case 'a' <= c && c <= 'z':
			has.lower = true
		case '0' <= c && c <= '9':
			has.number = true
		case c == ' ' || strings.IndexByte(symbols, c) >= 0:
			has.symbol = true
		}
	}
	return has
}

// The alphabets of temporary passwords, which people read and type: without the
// look-alikes 0 O o 1 I l, and with symbols that need no quoting in a shell, in
// JSON, HTML or a URL's path.
const (
	typedLetters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
	typedSymbols = "-_.:+=@"
)

// temporaryLength is the length of temporary passwords in characters, which at
// 5.8 bits each are 92 bits.
const temporaryLength = 16

// Generate makes a temporary password that conforms to rules, with at least 16
// characters, upper and lower case and a digit. It starts with a letter or
// digit, so that it is never taken for a flag. Each such password is equally
// likely: candidates are drawn uniformly and kept if they conform. A
// MinimumLength over [MaximumLength] counts as that.
func Generate(rules PasswordRules) string {
	alphabet := typedLetters
	if rules.RequireSymbols {
		alphabet += typedSymbols
	}
	rules.RequireUppercase, rules.RequireLowercase, rules.RequireNumbers = true, true, true
	rules.MinimumLength = min(max(rules.MinimumLength, temporaryLength), MaximumLength)
	candidate := make([]byte, rules.MinimumLength)
	for {
		fill(candidate, alphabet)
		password := string(candidate)
		if strings.IndexByte(typedLetters, candidate[0]) >= 0 && rules.Check(password) == nil {
			return password
		}
	}
}

// fill draws each byte of out from alphabet. Random bytes beyond the largest
// multiple of its size are thrown away: taken modulo the size they would favor
// its beginning.
func fill(out []byte, alphabet string) {
	limit := 256 - 256%len(alphabet)
	for filled := 0; filled < len(out); {
		var random [64]byte
		rand.Read(random[:]) // ends the program rather than fail
		for _, b := range random {
			if int(b) < limit && filled < len(out) {
				out[filled] = alphabet[int(b)%len(alphabet)]
				filled++
			}
		}
	}
}
