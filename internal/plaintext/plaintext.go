// Package plaintext accepts text that people and other programs have saved: UTF-8, with or
// without a byte order mark.
package plaintext

import (
	"bytes"
	"errors"
)

// Mark is the byte order mark that some editors put before UTF-8 text.
const Mark = "\ufeff"

// ErrUTF16 means that text is encoded in UTF-16, as Windows PowerShell writes files.
var ErrUTF16 = errors.New("it is UTF-16 text; save it as UTF-8")

// ErrNUL means that data has a NUL byte and is no text.
var ErrNUL = errors.New("it has a NUL byte; it must be UTF-8 text")

// Check returns text without the mark, and whether it had one. It refuses UTF-16 and NUL.
func Check(data []byte) (text string, marked bool, err error) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return "", false, ErrUTF16
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return "", false, ErrNUL
	}
	rest, marked := bytes.CutPrefix(data, []byte(Mark))
	return string(rest), marked, nil
}
