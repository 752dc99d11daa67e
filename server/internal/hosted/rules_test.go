package hosted_test

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// checkHeader holds every answer of every test to what an answer carries.
func (a *answer) checkHeader() {
	a.t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		"Access-Control-Allow-Origin": "", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.header.Get(name); got != want {
			a.t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		a.t.Errorf("policy: %s", policy)
	}
	if a.page != nil && a.header.Get("Cache-Control") != "no-store" {
		a.t.Errorf("Cache-Control: %s", a.header.Get("Cache-Control"))
	}
}

// check holds every page of every test to the rules of a page.
func (a *answer) check() {
	a.t.Helper()
	if lang := attr(a.find("html"), "lang"); lang == "" || lang != a.header.Get("Content-Language") {
		a.t.Errorf("language %q", lang)
	}
	if len(all(a.page, "h1")) != 1 || len(all(a.page, "main")) != 1 || text(a.find("title")) == "" {
		a.t.Error("a page has one heading, one main part and a title")
	}
	ids := map[string]bool{}
	for n := range a.page.Descendants() {
		if n.Type == html.ElementNode {
			a.checkElement(n, ids)
		}
	}
	a.checkScript()
}

func (a *answer) checkElement(n *html.Node, ids map[string]bool) {
	a.t.Helper()
	for _, attribute := range n.Attr {
		switch name := attribute.Key; {
		case name == "style" || strings.HasPrefix(name, "on") || name == "srcdoc":
			a.t.Errorf("<%s %s>", n.Data, name)
		case name == "id":
			if ids[attribute.Val] {
				a.t.Errorf("two elements are #%s", attribute.Val)
			}
			ids[attribute.Val] = true
		case name == "aria-describedby":
			for id := range strings.FieldsSeq(attribute.Val) {
				if a.byID(id) == nil {
					a.t.Errorf("described by #%s, which is not there", id)
				}
			}
		case slices.Contains([]string{"href", "src", "action"}, name):
			if !strings.HasPrefix(attribute.Val, base+"/") && !strings.HasPrefix(attribute.Val, "data:image/svg+xml,") {
				a.t.Errorf("<%s %s=%q> leaves the pool's place", n.Data, name, attribute.Val)
			}
		}
	}
	switch n.Data {
	case "style", "iframe", "object", "embed", "base":
		a.t.Errorf("<%s> in a page", n.Data)
	case "meta":
		if has(n, "http-equiv") {
			a.t.Error("meta http-equiv in a page")
		}
	case "img":
		if !has(n, "alt") {
			a.t.Error("an image without alt")
		}
	case "input":
		a.checkInput(n)
	case "button", "a":
		if text(n) == "" && attr(n, "aria-label") == "" {
			a.t.Errorf("a %s without a name", n.Data)
		}
	}
}

func (a *answer) checkInput(n *html.Node) {
	a.t.Helper()
	if attr(n, "type") == "hidden" || has(n, "hidden") {
		return
	}
	labeled := slices.ContainsFunc(all(a.page, "label"), func(l *html.Node) bool {
		return attr(l, "for") == attr(n, "id") && text(l) != ""
	})
	if !labeled {
		a.t.Errorf("input %s has no label", attr(n, "name"))
	}
	if attr(n, "autocomplete") == "" {
		a.t.Errorf("input %s does not say what fills it", attr(n, "name"))
	}
	if attr(n, "type") == "password" && has(n, "value") {
		a.t.Error("a password was sent back")
	}
}

// checkScript: the only script is the one that the policy names.
func (a *answer) checkScript() {
	a.t.Helper()
	scripts := all(a.page, "script")
	if len(scripts) != 1 || has(scripts[0], "src") || scripts[0].FirstChild == nil {
		a.t.Fatalf("%d scripts", len(scripts))
	}
	sum := sha256.Sum256([]byte(scripts[0].FirstChild.Data))
	source := "script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
	if !strings.Contains(a.header.Get("Content-Security-Policy"), source) {
		a.t.Errorf("the policy does not allow the script: %s", a.header.Get("Content-Security-Policy"))
	}
}
