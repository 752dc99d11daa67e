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

// canonicalRequest is the text whose hash is signed. signed holds header names
// in small letters, in order.
func canonicalRequest(r *http.Request, signed []string, bodyHash string) []byte {
	var b strings.Builder
	for _, line := range []string{method(r), canonicalPath(r.URL), canonicalQuery(r.URL.RawQuery)} {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	for _, name := range signed {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + bodyHash)
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

// canonicalQuery encodes names and values anew and sorts by both.
func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs [][2]string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, [2]string{recode(name), recode(value)})
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
