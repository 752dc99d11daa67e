package plaintext_test

import (
	"errors"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/plaintext"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data, text string
		marked     bool
		err        error
	}{
		"empty":               {"", "", false, nil},
		"text":                {"[default]\n", "[default]\n", false, nil},
		"marked":              {"\xef\xbb\xbfé\n", "é\n", true, nil},
		"mark inside":         {"a\xef\xbb\xbf", "a\ufeff", false, nil},
		"UTF-16, low first":   {"\xff\xfea\x00", "", false, plaintext.ErrUTF16},
		"UTF-16, high first":  {"\xfe\xff\x00a", "", false, plaintext.ErrUTF16},
		"UTF-16 without mark": {"a\x00b\x00", "", false, plaintext.ErrNUL},
	} {
		text, marked, err := plaintext.Check([]byte(test.data))
		if text != test.text || marked != test.marked || !errors.Is(err, test.err) {
			t.Errorf("%s: %q, %t, %v", name, text, marked, err)
		}
	}
}
