package amplifyconfig

import (
	"fmt"
	"slices"
	"strings"
)

// MaxSize is the largest file that is read, in bytes. Amplify's files have a few
// thousand.
const MaxSize = 1 << 20

// File is what a configuration file says about signing in.
type File struct {
	UserPoolID, ClientID, IdentityPoolID string
	// AllowGuests is false by default in Gen 2, and true in Gen 1.
	AllowGuests bool
	OAuth       *OAuth // nil without sign-in pages

	// From the object "latchkey", for what Amplify's files cannot say.
	UserPoolEndpoint, IdentityPoolEndpoint, OAuthBaseURL, Issuer, CAFile string
	InsecureHTTP                                                         bool

	PasswordPolicy         *PasswordPolicy // nil without one
	UsernameAttributes     []string
	RequiredAttributes     []string
	VerificationAttributes []string
	MFA                    string // "NONE", "OPTIONAL", "REQUIRED", or empty
	MFAMethods             []string
	Groups                 []Group
	Passwordless           *Passwordless // nil where the pool asks for passwords only

	// Gen1 is the member that makes this a file of Gen 1; empty for Gen 2.
	Gen1 string
}

// OAuth is the sign-in pages' part. Lists of URLs are in the order of the file.
type OAuth struct {
	Domain            string
	Scopes            []string
	RedirectSignIn    []string
	RedirectSignOut   []string
	ResponseType      string
	IdentityProviders []string
}

// PasswordPolicy is what the pool asks of a password.
type PasswordPolicy struct {
	MinLength        int // characters
	RequireNumbers   bool
	RequireLowercase bool
	RequireUppercase bool
	RequireSymbols   bool
}

// Group is a group of the pool. The role of the lowest precedence wins.
type Group struct {
	Name       string
	Precedence int
}

// Passwordless is what the pool offers beside the password. It came with version 1.5
// of Gen 2's schema.
type Passwordless struct {
	EmailOTP           bool
	SMSOTP             bool
	RelyingPartyID     string // of passkeys; empty when they are off
	UserVerification   string
	PreferredChallenge string
}

// defaultMinLength is what Amplify assumes when a policy gives no length.
const defaultMinLength = 6

// Error says what is wrong with a file's content. The caller, who knows the file's
// name, puts it before the text.
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

func faultf(format string, args ...any) *Error { return &Error{fmt.Sprintf(format, args...)} }

// Parse reads a file of either generation. Members that are not known are ignored; a
// member of the wrong type, or one that is there twice, is an error that names line
// and member. Every error is an [*Error].
func Parse(data []byte) (File, error) {
	if len(data) > MaxSize {
		return File{}, faultf("it has more than %d MiB", MaxSize>>20)
	}
	text, names, err := objectIn(data)
	if err != nil {
		return File{}, err
	}
	var file File
	if at := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, "aws_") }); at >= 0 {
		file.Gen1 = names[at]
	}
	// Amplify distinguishes its two generations in the same way, and in the same order.
	switch {
	case file.Gen1 != "":
		err = readExports(text, &file)
	case slices.Contains(names, "version"):
		err = readOutputs(text, &file)
	case slices.Contains(names, "auth"):
		err = faultf(`it has "auth" but no "version"; use amplify_outputs.json or aws-exports.js`)
	default:
		err = faultf("it is neither an amplify_outputs.json nor an aws-exports.js")
	}
	if err != nil {
		return File{}, err
	}
	return file, nil
}

// extension reads the object "latchkey".
func (f *File) extension() members {
	return members{
		"user_pool_endpoint":     &f.UserPoolEndpoint,
		"identity_pool_endpoint": &f.IdentityPoolEndpoint,
		"oauth_base_url":         &f.OAuthBaseURL,
		"issuer":                 &f.Issuer,
		"ca_file":                &f.CAFile,
		"insecure_http":          &f.InsecureHTTP,
	}
}
