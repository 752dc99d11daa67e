package latchkey

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/latchkey-auth/latchkey/internal/amplifyconfig"
)

// LoadConfig reads a configuration file; see [ParseConfig]. A relative ca_file
// in it is relative to the file's folder.
func LoadConfig(path string) (Config, error) {
	data, err := readBounded(path, amplifyconfig.MaxSize)
	if err != nil {
		return Config{}, &Error{Op: "LoadConfig", Kind: ErrConfig, Err: err}
	}
	config, err := ParseConfig(data)
	if problem, ok := errors.AsType[*Error](err); ok {
		problem.Op, problem.Message = "LoadConfig", path+": "+problem.Message
		return Config{}, problem
	}
	config.file.path = path
	if config.CAFile != "" && !filepath.IsAbs(config.CAFile) {
		config.CAFile = filepath.Join(filepath.Dir(path), config.CAFile)
	}
	return config, nil
}

// ParseConfig reads any of the files that Amplify writes:
//
//   - amplify_outputs.json (Gen 2, version 1.x). Guests are off unless
//     unauthenticated_identities_enabled is literally true.
//   - aws-exports.js and amplifyconfiguration.json (Gen 1), as JSON or as the
//     JavaScript that Amplify generates. Guests are on unless
//     aws_mandatory_sign_in is "enable".
//
// Either may have an object "latchkey" for what Amplify's files cannot say: the texts
// user_pool_endpoint, identity_pool_endpoint, oauth_base_url, issuer and ca_file, and
// insecure_http, which is true or false ([Config.InsecureHTTP]). Members that are not
// known are ignored. A member of the wrong type, a duplicate member and an unknown
// mfa_configuration are an ErrConfig that names line and member. Errors of [New] and of
// calls also name the file's members where the values are the file's.
func ParseConfig(data []byte) (Config, error) {
	file, err := amplifyconfig.Parse(data)
	if err != nil {
		return Config{}, &Error{Op: "ParseConfig", Kind: ErrConfig, Message: err.Error()}
	}
	config := Config{
		UserPoolID: file.UserPoolID, ClientID: file.ClientID, IdentityPoolID: file.IdentityPoolID, AllowGuests: file.AllowGuests,
		UserPoolEndpoint: file.UserPoolEndpoint, IdentityPoolEndpoint: file.IdentityPoolEndpoint,
		OAuthBaseURL: file.OAuthBaseURL, Issuer: file.Issuer, CAFile: file.CAFile, InsecureHTTP: file.InsecureHTTP,
		OAuth: (*OAuthConfig)(file.OAuth),
		file:  &configFile{data: bytes.Clone(data), file: file},
	}
	return config, nil
}

// File returns the JSON object of the file that [LoadConfig] or [ParseConfig] read, nil for
// a Config that the program made itself. It has the members that Config has no fields for
// because the client does not need them, such as auth.password_policy, auth.groups and
// auth.mfa_configuration of amplify_outputs.json, for programs that draw forms. The JSON of
// an aws-exports.js is without the JavaScript around it.
func (c Config) File() []byte {
	if c.file == nil {
		return nil
	}
	object, _ := amplifyconfig.Object(c.file.data) // ParseConfig has accepted it
	return object
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var text bytes.Buffer
	// The size is only a first guess: a pipe has none, and a file may grow.
	if info, err := file.Stat(); err == nil {
		text.Grow(int(min(max(info.Size(), 0), limit)) + bytes.MinRead)
	}
	if _, err := text.ReadFrom(io.LimitReader(file, limit+1)); err != nil {
		return nil, err
	}
	if int64(text.Len()) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return text.Bytes(), nil
}
