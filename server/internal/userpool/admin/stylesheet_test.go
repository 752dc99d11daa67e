package admin

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
)

// consoleSheet is the stylesheet that Cognito's console hands out, shortened.
const consoleSheet = `
.logo-customizable {
	max-width: 60%;
	max-height: 30%;
}
.banner-customizable {
	padding: 25px 0px 25px 0px;
	background-color: lightgray;
}
.submitButton-customizable {
	margin: 20px -15px 10px -13px;
	color: #fff;
	background-color: #337ab7;
}
.submitButton-customizable:hover {
	color: #fff;
	background-color: #286090;
}
.inputField-customizable:focus {
	border-color: #66afe9;
	outline: 0;
}
.passwordCheck-notValid-customizable {
	color: #DF3312;
}
.background-customizable {
	background-color: #fff;
}
`

func TestStylesheetsTaken(t *testing.T) {
	t.Parallel()
	for name, css := range map[string]string{
		"nothing": "", "space": " \r\n\t", "Cognito's": consoleSheet, "a comment": "/* a { @import '<' } */", "comments": "/**/.label-customizable/*}*/{/*:*/color/**/:/*;*/red/***/}",
		"several selectors": ".label-customizable , .legalText-customizable{color:red}", "an empty rule": ".label-customizable{ ; ;}", "no last semicolon": ".label-customizable{color:red;width:1px}",
		"functions":   ".banner-customizable{background:linear-gradient(135deg, rgb(0 0 0 / .1) 0%, var(--accent, hsl(1deg 2% 3%)) calc(100% - (2px + 1px)))}",
		"light, dark": ".background-customizable{--accent:light-dark(#7a1f5c,#f2a7d8)}", "quotes": `.label-customizable{font:700 1rem/1.5 "Open Sans", 'A (B)', serif !important}`,
		"a prefix": ".label-customizable{-webkit-font-smoothing:antialiased}", "a name like url": ".label-customizable{--curl:my-url(1)}",
	} {
		if err := checkStylesheet(css); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStylesheetsRefused(t *testing.T) {
	t.Parallel()
	rule := func(declarations string) string { return ".label-customizable{" + declarations + "}" }
	for name, test := range map[string]struct{ css, text string }{
		"@import":             {"@import 'https://evil.example/x.css';", "no @import"},
		"@import in a rule":   {rule("@import 'x'"), "no @import"},
		"@media":              {"@media screen{" + rule("color:red") + "}", "no @import"},
		"@charset behind":     {rule("color:red") + "@charset \"x\";", "no @import"},
		"HTML":                {rule("color:red") + "</style><script>alert(1)</script>", `must not contain "<"`},
		"HTML comment":        {"<!-- " + rule("color:red"), `must not contain "<"`},
		"an escape":           {rule(`background:\75rl(x)`), `must not contain "\\"`},
		"an escaped class":    {`.label\2d customizable{color:red}`, `must not contain "\\"`},
		"url":                 {rule("background:url(https://evil.example/x.png)"), "url()"},
		"url in capitals":     {rule("background:URL( 'x' )"), "url()"},
		"data":                {rule("background:url(data:image/png,AA)"), "url()"},
		"an image set":        {rule("background:-webkit-image-set('x' 1x)"), "image-set()"},
		"src":                 {rule("background:src('x')"), "src()"},
		"an expression":       {rule("width:expression(alert(1))"), "expression()"},
		"a cut expression":    {rule("width:exp/**/ression(alert(1))"), ""},
		"a script":            {rule("background:javascript:alert(1)"), "script"},
		"a behavior":          {rule("Behavior:x"), "script"},
		"a binding":           {rule("-moz-binding:x"), "script"},
		"another class":       {".evil{color:red}", "cannot be customized"},
		"an element":          {"body{color:red}", "cannot be customized"},
		"everything":          {"*{display:none}", "cannot be customized"},
		"another state":       {".label-customizable:hover{color:red}", "cannot be customized"},
		"before":              {".label-customizable::before{content:'x'}", "cannot be customized"},
		"below a class":       {".label-customizable a{color:red}", "cannot be customized"},
		"beside a class":      {".label-customizable,body{color:red}", "cannot be customized"},
		"no selector":         {"{color:red}", "cannot be customized"},
		"an attribute":        {".inputField-customizable[value^=a]{color:red}", "cannot be customized"},
		"capitals":            {".LABEL-customizable{color:red}", "cannot be customized"},
		"nested":              {rule("color:red; .evil{color:red}"), "does not end, or holds another"},
		"no end":              {".label-customizable{color:red", "does not end"},
		"one end too many":    {rule("color:red") + "}", "is no rule"},
		"words":               {"hello", "is no rule"},
		"words behind":        {rule("color:red") + " hello", "is no rule"},
		"no value":            {rule("color:"), "no property"},
		"no property":         {rule(":red"), "no property"},
		"no colon":            {rule("color red"), "no property"},
		"an odd property":     {rule("co lor:red"), "no property"},
		"a comment no end":    {"/* " + rule("color:red"), "comment does not end"},
		"a quote no end":      {rule("font:'a"), "quotes"},
		"a brace in quotes":   {rule("font:'a}b'"), "quotes"},
		"a comment in quotes": {rule("font:'/*'") + rule("font:'*/'"), "quotes"},
		"a line in quotes":    {rule("font:'a\nb'"), "quotes"},
		"quotes in quotes":    {rule(`font:"it's"`), "quotes"},
		"a parenthesis":       {rule("color:rgb(1"), "in pairs"},
		"one to close":        {rule("color:)("), "in pairs"},
		"a bracket":           {rule("color:[1"), "in pairs"},
		"NUL":                 {rule("color:r\x00ed"), "control character"},
		"too many bytes":      {"/*" + strings.Repeat("é", maxStylesheet/2) + "*/", "bytes, more than 131072"},
		"DEL":                 {rule("color:r\x7fed"), "control character"},
	} {
		err := checkStylesheet(test.css)
		if name == "a cut expression" { // two words, neither of which is a function that browsers know
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wiretest.WantException(t, err, wire.InvalidParameterException, "CSS is not valid: ")
		wiretest.WantException(t, err, wire.InvalidParameterException, test.text)
	}
}

// FuzzStylesheet: what is taken has, beside its comments, only rules for the
// classes, and nothing that loads, runs or escapes.
func FuzzStylesheet(f *testing.F) {
	for _, seed := range []string{
		consoleSheet, ".label-customizable{color:red}", ".label-customizable{font:'a'}/**/", "@import 'x'", ".label-customizable{background:url(x)}", "/*", "'", `.a{b:"c`, ".label-customizable{a:(}",
	} {
		f.Add(seed)
	}
	comment := regexp.MustCompile(`(?s)/\*.*?\*/`)
	f.Fuzz(func(t *testing.T, css string) {
		if checkStylesheet(css) != nil {
			return
		}
		plain := comment.ReplaceAllString(css, " ")
		for _, never := range []string{"@", "<", `\`, "url(", "expression(", "javascript:", "\x00"} {
			if strings.Contains(strings.ToLower(plain), never) {
				t.Errorf("%q is taken: %q", never, css)
			}
		}
		parts := regexp.MustCompile(`[{}]`).Split(plain, -1)
		if strings.Count(plain, "{") != strings.Count(plain, "}") || strings.TrimSpace(parts[len(parts)-1]) != "" {
			t.Fatalf("rules do not end: %q", css)
		}
		for i := 0; i+1 < len(parts); i += 2 {
			for selector := range strings.SplitSeq(parts[i], ",") {
				if !slices.Contains(customizable, strings.TrimPrefix(strings.TrimSpace(selector), ".")) {
					t.Errorf("selector %q is taken: %q", selector, css)
				}
			}
		}
	})
}
