package wire

import (
	"strings"
)

// maxViolations is how many failures one text lists.
const maxViolations = 16

// report gathers violations.
type report struct{ texts []string }

func (r *report) full() bool { return len(r.texts) >= maxViolations }

func (r *report) add(path, shown, demand string) {
	if r.full() {
		return
	}
	subject := "Value at '" + path + "'"
	if shown != "" {
		subject = "Value '" + shown + "' at '" + path + "'"
	}
	r.texts = append(r.texts, subject+" failed to satisfy constraint: "+demand)
}

func (r *report) exception() error {
	switch n := len(r.texts); n {
	case 0:
		return nil
	case 1:
		return NewException(InvalidParameterException, "1 validation error detected: "+r.texts[0])
	default:
		return Exceptionf(InvalidParameterException, "%d validation errors detected: %s", n, strings.Join(r.texts, "; "))
	}
}
