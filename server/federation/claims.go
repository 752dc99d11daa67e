package federation

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxClaims bounds the members of an answer.
const maxClaims = 500

// texts reads a JSON object of claims. A text is its value, a null is not there, and
// everything else is as it was written, without white space. A name that comes twice
// is an error: which one counts would be anyone's guess.
func texts(object []byte) (map[string]string, error) {
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
			if err := value.Compact(); err != nil {
				return nil, err
			}
			claims[name] = string(value)
		}
	}
	return claims, nil
}
