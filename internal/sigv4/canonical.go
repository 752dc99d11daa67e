package sigv4

import (
	"cmp"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// form is how a request is signed.
type form struct {
	service   string
	signed    []string // header names in small letters, in order
	payload   string   // the hash of the body, or what stands for it
	presigned bool
}

// canonical is the text whose hash is signed.
func (f form) canonical(r *http.Request) []byte {
	path := canonicalPath(r.URL)
	if isS3(f.service) {
		path = canonicalS3Path(r.URL)
	}
	var b strings.Builder
	for _, line := range []string{method(r), path, canonicalQuery(r.URL.RawQuery, f.presigned)} {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	for _, name := range f.signed {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(f.signed, ";") + "\n" + f.payload)
	return []byte(b.String())
}

// method is GET where a client request leaves it empty (net/http).
func method(r *http.Request) string { return cmp.Or(r.Method, http.MethodGet) }

// canonicalPath is the path as it was sent, without dot segments and doubled
// slashes, encoded once more.
func canonicalPath(u *url.URL) string {
	sent := u.EscapedPath()
	clean := path.Clean("/" + sent)
	if strings.HasSuffix(sent, "/") && clean != "/" {
		clean += "/"
	}
	return encode(clean, true)
}

// isS3 reports whether a service signs paths as Amazon S3 does.
func isS3(service string) bool {
	return service == "s3" || strings.HasPrefix(service, "s3-") || service == "s3express"
}

// canonicalS3Path is the path as it was sent, in the one encoding that is
// signed: object keys may hold dot segments and doubled slashes.
func canonicalS3Path(u *url.URL) string {
	segments := strings.Split(u.EscapedPath(), "/")
	for i, segment := range segments {
		segments[i] = recode(segment)
	}
	return cmp.Or(strings.Join(segments, "/"), "/")
}

// canonicalQuery encodes names and values anew and sorts by both. The signature
// of a presigned URL does not sign itself.
func canonicalQuery(raw string, presigned bool) string {
	if raw == "" {
		return ""
	}
	var pairs [][2]string
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name = recode(name); pair != "" && !(presigned && name == signatureParameter) {
			pairs = append(pairs, [2]string{name, recode(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	parts := make([]string, len(pairs))
	for i, pair := range pairs {
		parts[i] = pair[0] + "=" + pair[1]
	}
	return strings.Join(parts, "&")
}

// recode brings one name or value of a query to the one encoding that is
// signed. What is not valid percent encoding is taken as it stands.
func recode(sent string) string {
	if plain, err := url.PathUnescape(sent); err == nil {
		sent = plain
	}
	return encode(sent, false)
}

// encode leaves the unreserved characters of RFC 3986 (section 2.3) and, in
// paths, the slash.
func encode(text string, isPath bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case isUnreserved(c) || isPath && c == '/':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

func isUnreserved(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// canonicalHeader is a header's value with runs of spaces made one; several
// values are joined by commas. net/http keeps the host, and may keep the length,
// outside the headers.
func canonicalHeader(r *http.Request, name string) string {
	if name == "host" {
		return cmp.Or(r.Host, r.URL.Host)
	}
	values := r.Header[http.CanonicalHeaderKey(name)]
	if name == "content-length" && len(values) == 0 && r.ContentLength >= 0 {
		return strconv.FormatInt(r.ContentLength, 10)
	}
	trimmed := make([]string, len(values))
	for i, value := range values {
		trimmed[i] = strings.Join(strings.FieldsFunc(value, isBlank), " ")
	}
	return strings.Join(trimmed, ",")
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }
