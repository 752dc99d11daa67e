// Package languages chooses among a few languages the one that a browser asks for.
package languages

import (
	"strconv"
	"strings"
)

// maxAccept bounds how much of an Accept-Language header is read, in bytes. What is cut
// is a whole entry.
const maxAccept = 256

// Best is the index of the language of the highest weight in an Accept-Language header
// (RFC 9110, section 12.5.4), the first of several; 0 if none of them is asked for.
// offered are primary subtags such as "de". A range matches by its primary subtag, so
// that "de-CH" gets "de" (lookup, RFC 4647, section 3.4).
func Best(accepted string, offered []string) int {
	best, weight := 0, 0.0
	if len(accepted) > maxAccept {
		accepted = accepted[:max(strings.LastIndexByte(accepted[:maxAccept], ','), 0)]
	}
	for entry := range strings.SplitSeq(accepted, ",") {
		tag, parameter, _ := strings.Cut(entry, ";")
		at, ok := Match(tag, offered)
		if q := quality(parameter); ok && q > weight {
			best, weight = at, q
		}
	}
	return best
}

// Match is the index of the offered language that a tag names by its primary subtag.
func Match(tag string, offered []string) (index int, ok bool) {
	primary, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(tag), "_", "-"), "-")
	for i, language := range offered {
		if strings.EqualFold(primary, language) {
			return i, true
		}
	}
	return 0, false
}

// quality is the weight of a language range: 1 without a parameter, 0 for one that is
// no weight.
func quality(parameter string) float64 {
	if parameter = strings.TrimSpace(parameter); parameter == "" {
		return 1
	}
	text, ok := strings.CutPrefix(parameter, "q=")
	if !ok {
		return 0
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
