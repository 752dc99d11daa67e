package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// oneReading refuses a request that verifies and that a handler could still read in
// another way than it was signed. The canonical request undoes differences in how a path,
// a query or a header is written; whoever reads what was sent does not.
func (s *Signature) oneReading(r *http.Request) error {
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return err
	}
	if err := s.checkPath(r.URL); err != nil {
		return err
	}
	for _, name := range s.signed {
		if strings.HasPrefix(name, "x-amz-") && blankRun(r.Header.Get(name)) {
			return fmt.Errorf("%w: header %s has more than one blank in a row, which a signature does not cover", ErrSignature, name)
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

// checkPath refuses empty and dot segments outside of Amazon S3's style. Signers do not
// agree whether to remove them, and routers do it in ways of their own.
func (s *Signature) checkPath(u *url.URL) error {
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

// isDots reports whether an escaped segment is "." or "..".
func isDots(segment string) bool {
	plain, err := url.PathUnescape(segment)
	return err == nil && (plain == "." || plain == "..")
}

// blankRun reports whether a value has two blanks in a row.
func blankRun(value string) bool {
	blank := false
	for _, r := range value {
		if isBlank(r) && blank {
			return true
		}
		blank = isBlank(r)
	}
	return false
}
