package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// oneReading refuses a request that verifies but that a handler could read differently
// from what was signed. The canonical request normalizes path, query and headers; the
// handler reads them as sent.
func (s *Signature) oneReading(r *http.Request) error {
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return err
	}
	if err := s.checkPath(r.URL); err != nil {
		return err
	}
	for _, name := range s.signed {
		if strings.HasPrefix(name, "x-amz-") && irregularBlanks(r.Header.Get(name)) {
			return fmt.Errorf("%w: header %s has a tab or more than one blank in a row, which a signature does not cover: send single spaces", ErrSignature, name)
		}
	}
	return nil
}

// checkQuery refuses a query that two readers decode to different values: a plus sign (a
// space to forms, a plus to signatures; send %2B or %20), a semicolon (a separator to
// some), an escape that is malformed, and values of a repeated name in another order than
// the sorted one that is signed.
func checkQuery(raw string) error {
	if i := strings.IndexAny(raw, "+;"); i >= 0 {
		return fmt.Errorf("%w: the query has a %q: send it as an escape", ErrSignature, raw[i])
	}
	last := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plainName, err := url.QueryUnescape(name)
		if err == nil {
			_, err = url.QueryUnescape(value)
		}
		if err != nil {
			return fmt.Errorf("%w: the query has a malformed escape", ErrSignature)
		}
		value = recode(value)
		if before, repeated := last[plainName]; repeated && value < before {
			return fmt.Errorf("%w: the values of a repeated query parameter must be sent in the order in which they are signed: sort them", ErrSignature)
		}
		last[plainName] = value
	}
	return nil
}

// checkPath refuses empty and dot segments outside of Amazon S3's style. Signers and
// routers disagree about removing them. In any style it
// refuses an escaped slash that the signature covers as a plain one: net/url decodes the
// whole path when one of its characters should be escaped and is not.
func (s *Signature) checkPath(u *url.URL) error {
	if u.RawPath != "" && strings.Count(u.RawPath, "/") != strings.Count(u.EscapedPath(), "/") {
		return fmt.Errorf("%w: the path has an escaped slash beside a character that is not escaped: escape it", ErrSignature)
	}
	if isS3(s.Service) {
		return nil
	}
	segments := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if last := len(segments) - 1; segments[last] == "" { // a slash at the end
		segments = segments[:last]
	}
	if slices.ContainsFunc(segments, func(segment string) bool { return segment == "" || isDots(segment) }) {
		return fmt.Errorf("%w: the path has an empty or a dot segment", ErrSignature)
	}
	return nil
}

// isDots reports whether an escaped segment is "." or "..", or has such a part between
// escaped slashes or backslashes: a handler of the decoded path reads it as a segment.
func isDots(segment string) bool {
	plain, err := url.PathUnescape(segment)
	parts := strings.FieldsFunc(plain, func(r rune) bool { return r == '/' || r == '\\' })
	return err == nil && slices.ContainsFunc(parts, func(part string) bool { return part == "." || part == ".." })
}

// irregularBlanks reports whether a value has blanks that are signed as one space and are
// not one.
func irregularBlanks(value string) bool {
	return strings.Contains(value, "  ") || strings.ContainsAny(value, "\t\r\n")
}
