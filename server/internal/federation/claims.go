package federation

import (
	"errors"
	"maps"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/latchkey-auth/latchkey/internal/random"
)

// maxClaims bounds the members of an answer.
const maxClaims = 500

// texts reads a JSON object of claims. A text is its value, a null is left out, and
// everything else is as it was written, without white space. The subject claim is left
// out unless it is a text or a whole number. A duplicate name is an error.
func texts(object []byte, subject string) (map[string]string, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	if len(members) > maxClaims {
		return nil, errors.New("federation: an answer has too many claims")
	}
	claims := make(map[string]string, len(members))
	for name, value := range members {
		switch value.Kind() {
		case 'n':
		case '"':
			var text string
			if err := json.Unmarshal(value, &text); err != nil {
				return nil, err
			}
			claims[name] = text
		default:
			if name == subject && !isWholeNumber(value) {
				continue
			}
			if err := value.Compact(); err != nil {
				return nil, err
			}
			claims[name] = string(value)
		}
	}
	return claims, nil
}

// isWholeNumber reports whether a value is a number of decimal digits. Others, such as
// 1e3, have several spellings, which would be several subjects.
func isWholeNumber(value jsontext.Value) bool {
	return value.Kind() == '0' && strings.Trim(string(value), random.Digits) == ""
}

// merge adds the claims of userinfo that the ID token lacks. A flag such as
// email_verified counts only for the address in its own document, because the other
// document may hold another address.
func merge(token, info, mapping map[string]string) {
	flags := map[string]string{}
	for _, contact := range []string{"email", "phone_number"} {
		address, flag := mapping[contact], mapping[contact+"_verified"]
		if address == "" || flag == "" {
			continue
		}
		value := flagOf(token, info, address, flag)
		if other, seen := flags[flag]; seen && other != value {
			value = "" // one claim is mapped for two contacts, and does not count for both
		}
		flags[flag] = value
	}
	for name, value := range info {
		if _, present := token[name]; !present {
			token[name] = value
		}
	}
	maps.Copy(token, flags)
	maps.DeleteFunc(token, func(name, value string) bool { _, isFlag := flags[name]; return isFlag && value == "" })
}

// flagOf returns the flag of an address that is taken from the ID token, or from
// userinfo if the ID token has none. The same address in both is one source.
func flagOf(token, info map[string]string, address, flag string) string {
	source, other := token, info
	if token[address] == "" {
		source, other = info, token
	}
	if source[flag] == "" && source[address] == other[address] {
		return other[flag]
	}
	return source[flag]
}
