package admin

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
)

// customizable are the selectors that a stylesheet of sign-in pages may use, each
// on its own (Cognito developer guide, "Customizing hosted UI (classic) branding").
var customizable = []string{
	"background-customizable", "banner-customizable", "errorMessage-customizable", "idpButton-customizable", "idpButton-customizable:hover",
	"idpDescription-customizable", "inputField-customizable", "inputField-customizable:focus", "label-customizable", "legalText-customizable",
	"logo-customizable", "passwordCheck-notValid-customizable", "passwordCheck-valid-customizable", "redirect-customizable", "socialButton-customizable",
	"submitButton-customizable", "submitButton-customizable:hover", "textDescription-customizable",
}

// loading are the functions of CSS that fetch something or ran scripts once,
// without the prefixes of browsers' makers.
var loading = []string{"url", "src", "image", "image-set", "cross-fade", "element", "expression", "paint"}

var (
	propertyShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:--)?-?[A-Za-z_][A-Za-z0-9_-]*$`) })
	functionCall  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:-(?:webkit|moz|ms|o)-)?([a-z][a-z0-9-]*)\(`) })
)

// maxStylesheet bounds a stylesheet in bytes; the API's own bound counts characters.
const maxStylesheet = 128 << 10

// checkStylesheet refuses what is no plain list of rules for the classes that may
// be customized: at-rules, HTML, scripts, and whatever fetches something. Reading
// is stricter than CSS, so that a browser finds nothing in it that was not found
// here: no escapes, no nesting, and in quotes only plain text.
func checkStylesheet(css string) error {
	if len(css) > maxStylesheet {
		return badStylesheet("it has %d bytes, more than %d", len(css), maxStylesheet)
	}
	plain, err := withoutComments(css)
	if err != nil {
		return err
	}
	for {
		selectors, rest, found := strings.Cut(plain, "{")
		if selectors = strings.TrimSpace(selectors); !found {
			if selectors != "" {
				return badStylesheet("%q is no rule", shortened(selectors))
			}
			return nil
		}
		body, after, closed := strings.Cut(rest, "}")
		if !closed || strings.Contains(body, "{") {
			return badStylesheet("the rule for %q does not end, or holds another rule", shortened(selectors))
		}
		if err := checkRule(selectors, body); err != nil {
			return err
		}
		plain = after
	}
}

func badStylesheet(format string, args ...any) *wire.Exception {
	e := pool.Invalid(format, args...)
	e.Message = "CSS is not valid: " + e.Message + "."
	return e
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}

// withoutComments puts a space in the place of each comment, and refuses the
// characters and texts that no value needs.
func withoutComments(css string) (string, error) {
	var plain strings.Builder
	for css != "" {
		i := strings.IndexAny(css, "\"'/\\<@")
		if i < 0 {
			i = len(css)
		}
		plain.WriteString(css[:i])
		rest := css[i:]
		switch {
		case rest == "":
		case strings.HasPrefix(rest, "/*"):
			_, after, closed := strings.Cut(rest[2:], "*/")
			if !closed {
				return "", badStylesheet("a comment does not end")
			}
			plain.WriteByte(' ')
			rest = after
		case rest[0] == '/':
			plain.WriteByte('/')
			rest = rest[1:]
		case rest[0] == '"' || rest[0] == '\'':
			text, after, closed := strings.Cut(rest[1:], rest[:1])
			if !closed || strings.ContainsAny(text, "{};@<\\\n\r\f\"'") || strings.Contains(text, "/*") {
				return "", badStylesheet("a text in quotes does not end, or has more than plain text in it")
			}
			plain.WriteString(rest[:len(text)+2])
			rest = after
		default:
			return "", badStylesheet("it must not contain %q: no @import, @media or other at-rules, no HTML, no escapes", rest[:1])
		}
		css = rest
	}
	if i := strings.IndexFunc(plain.String(), func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r\f", r) || r == 0x7f }); i >= 0 {
		return "", badStylesheet("it contains a control character")
	}
	return plain.String(), nil
}

func checkRule(selectors, body string) error {
	for selector := range strings.SplitSeq(selectors, ",") {
		class, ok := strings.CutPrefix(strings.TrimSpace(selector), ".")
		if !ok || !slices.Contains(customizable, class) {
			return badStylesheet("%q cannot be customized; what can is .%s", shortened(strings.TrimSpace(selector)), strings.Join(customizable, ", ."))
		}
	}
	for declaration := range strings.SplitSeq(body, ";") {
		if strings.TrimSpace(declaration) == "" {
			continue
		}
		property, value, ok := strings.Cut(declaration, ":")
		property, value = strings.TrimSpace(property), strings.TrimSpace(value)
		if !ok || !propertyShape().MatchString(property) || value == "" {
			return badStylesheet("%q is no property with a value", shortened(strings.TrimSpace(declaration)))
		}
		if err := checkValue(property, strings.ToLower(value)); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(property, value string) error {
	if !balanced(value) {
		return badStylesheet("the parentheses of %s are not in pairs", property)
	}
	for _, call := range functionCall().FindAllStringSubmatch(value, -1) {
		if slices.Contains(loading, call[1]) {
			return badStylesheet("%s must not use %s(): nothing is loaded from elsewhere", property, call[1])
		}
	}
	if strings.Contains(value, "javascript:") || slices.Contains([]string{"behavior", "-moz-binding"}, strings.ToLower(property)) {
		return badStylesheet("%s must not hold a script", property)
	}
	return nil
}

// balanced reports whether each parenthesis has its other half. A browser reads an
// open one on behind the rule's end. Square brackets are refused along with them.
func balanced(value string) bool {
	depth := 0
	for _, c := range []byte(value) {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case '[', ']':
			return false
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}
