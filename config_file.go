package latchkey

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/latchkey-auth/latchkey/internal/userdirs"
)

const maxConfig = 1 << 20 // bytes; Amplify's files have a few thousand

// FindConfig says which configuration file to load: explicit if it is given,
// else the one that the environment variable LATCHKEY_CONFIG names, else
// latchkey/amplify_outputs.json in the user's configuration folder
// ([os.UserConfigDir]). It fails with ErrConfig if the file does not exist.
func FindConfig(explicit string) (path string, err error) {
	path, origin, err := userdirs.Config(explicit)
	if err != nil {
		return "", &Error{Op: "FindConfig", Kind: ErrConfig, Hint: "name a file, or set " + userdirs.ConfigVariable, Err: err}
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder", path)
	}
	if err != nil {
		return "", &Error{
			Op: "FindConfig", Kind: ErrConfig, Message: "looked in " + origin, Err: err,
			Hint: "name an " + userdirs.ConfigFile + ", or set " + userdirs.ConfigVariable,
		}
	}
	return path, nil
}

// LoadConfig reads a configuration file; see [ParseConfig]. A relative ca_file
// in it is relative to the file's folder.
func LoadConfig(path string) (Config, error) {
	data, err := readBounded(path, maxConfig)
	if err != nil {
		return Config{}, &Error{Op: "LoadConfig", Kind: ErrConfig, Err: err}
	}
	config, err := ParseConfig(data)
	if problem, ok := errors.AsType[*Error](err); ok {
		problem.Op, problem.Message = "LoadConfig", path+": "+problem.Message
		return Config{}, problem
	}
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
// Either may have an object "latchkey" for what Amplify's files cannot say, all
// texts: user_pool_endpoint, identity_pool_endpoint, oauth_base_url, issuer,
// ca_file. Members that are not known are ignored. A member of the wrong type,
// or one that is there twice, is an ErrConfig that names line and member.
func ParseConfig(data []byte) (Config, error) {
	if len(data) > maxConfig {
		return Config{}, configFault("it has more than 1 MiB")
	}
	text, names, err := objectIn(data)
	if err != nil {
		return Config{}, err
	}
	// Amplify distinguishes its two generations in the same way, and in the same order.
	switch {
	case slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "aws_") }):
		return parseExports(text)
	case slices.Contains(names, "version"):
		return parseOutputs(text)
	case slices.Contains(names, "auth"):
		return Config{}, configFault(`it has "auth" but no "version"; use amplify_outputs.json or aws-exports.js`)
	}
	return Config{}, configFault("it is neither an amplify_outputs.json nor an aws-exports.js")
}

// extension is the object "latchkey".
type extension struct {
	UserPoolEndpoint     string `json:"user_pool_endpoint"`
	IdentityPoolEndpoint string `json:"identity_pool_endpoint"`
	OAuthBaseURL         string `json:"oauth_base_url"`
	Issuer               string `json:"issuer"`
	CAFile               string `json:"ca_file"`
}

func (e extension) extend(config *Config) {
	config.UserPoolEndpoint, config.IdentityPoolEndpoint = e.UserPoolEndpoint, e.IdentityPoolEndpoint
	config.OAuthBaseURL, config.Issuer, config.CAFile = e.OAuthBaseURL, e.Issuer, e.CAFile
}

// objectIn finds the JSON object of a file and the names of its members. Around it there
// may be what Amplify generates: comments, "const awsmobile = ", and ";" with an export.
// What is left out becomes spaces, so that lines keep their numbers.
func objectIn(data []byte) (text []byte, names []string, err error) {
	// Editors on Windows put a byte order mark before the text.
	text = bytes.Clone(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	blankComments(text)
	start := bytes.IndexByte(text, '{')
	if start < 0 {
		return nil, nil, configFault("it holds no JSON object")
	}
	if before := strings.Join(strings.Fields(string(text[:start])), " "); !introduces(before) {
		return nil, nil, configFault(fmt.Sprintf("%q stands before the object", clip(before)))
	}
	blank(text[:start])
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	if names, err = memberNames(decoder); err != nil {
		return nil, nil, located(text, err)
	}
	end := decoder.InputOffset()
	after := strings.Join(strings.Fields(string(text[end:])), " ")
	if after = strings.Trim(after, "; "); after != "" && !strings.HasPrefix(after, "export default ") {
		return nil, nil, configFault(fmt.Sprintf("line %d: %q follows the object", lineOf(text, end), clip(after)))
	}
	return text[:end], names, nil
}

// memberNames reads an object and returns the names of its members.
func memberNames(decoder *jsontext.Decoder) ([]string, error) {
	if _, err := decoder.ReadToken(); err != nil { // its "{"
		return nil, err
	}
	var names []string
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		names = append(names, name.String())
		if err := decoder.SkipValue(); err != nil {
			return nil, err
		}
	}
	_, err := decoder.ReadToken() // its "}"
	return names, err
}

// introduces reports whether JavaScript may stand before the object.
func introduces(before string) bool {
	fields := strings.Fields(strings.TrimSuffix(before, "="))
	switch {
	case before == "", before == "export default":
		return true
	case len(fields) > 0 && fields[0] == "export":
		fields = fields[1:]
	}
	return strings.HasSuffix(before, "=") && len(fields) == 2 && (fields[0] == "const" || fields[0] == "let" || fields[0] == "var")
}

// blankComments overwrites the comments before the object. A comment without an
// end is left alone: what follows will not be accepted.
func blankComments(text []byte) {
	for i := 0; i < len(text) && text[i] != '{'; i++ {
		end := 0
		switch {
		case bytes.HasPrefix(text[i:], []byte("/*")):
			end = bytes.Index(text[i+2:], []byte("*/")) + 4
			if end < 4 {
				return
			}
		case bytes.HasPrefix(text[i:], []byte("//")):
			if end = bytes.IndexByte(text[i:], '\n'); end < 0 {
				return
			}
		}
		blank(text[i : i+end])
		i += max(end-1, 0)
	}
}

// blank overwrites text with spaces and keeps its lines.
func blank(text []byte) {
	for i, b := range text {
		if b != '\n' {
			text[i] = ' '
		}
	}
}

// clip shortens what an error quotes of a file.
func clip(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}

// configFault is an error about a file's content. Whoever has the file's name
// puts it before the message.
func configFault(message string) *Error {
	return &Error{Op: "ParseConfig", Kind: ErrConfig, Message: message}
}

// located says where in a file a JSON error is, without quoting the file.
func located(text []byte, err error) *Error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return configFault(fmt.Sprintf("line %d: %s: a %s cannot stand here", lineOf(text, e.ByteOffset), memberOf(e.JSONPointer), e.JSONKind))
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		cause := errors.Unwrap(e)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			cause = errors.New("the member is there twice")
		}
		return configFault(fmt.Sprintf("line %d: %s: not well-formed JSON: %v", lineOf(text, e.ByteOffset), memberOf(e.JSONPointer), cause))
	}
	return configFault("not well-formed JSON")
}

// memberOf writes a JSON pointer (RFC 6901) as people write members: auth.oauth.domain.
func memberOf(pointer jsontext.Pointer) string {
	if pointer == "" {
		return "the file"
	}
	return strings.ReplaceAll(strings.TrimPrefix(string(pointer), "/"), "/", ".")
}

// lineOf counts lines up to the value that begins at or after offset.
func lineOf(text []byte, offset int64) int {
	offset = min(max(offset, 0), int64(len(text)))
	for offset < int64(len(text)) && strings.IndexByte(" \t\r\n:,", text[offset]) >= 0 {
		offset++
	}
	return 1 + bytes.Count(text[:offset], []byte{'\n'})
}
