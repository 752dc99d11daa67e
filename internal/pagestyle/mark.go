package pagestyle

import (
	"html/template"
	"net/url"
)

const (
	// mark is Latchkey's key, lines in a square of 32 by 32.
	mark = `<circle cx="11" cy="15" r="4.5"/><path d="M15.5 15H26M20.5 15v4M25 15v5.5"/>`
	// icon is the mark on the accent color of light pages, which an icon cannot read
	// from the stylesheet.
	icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#175c4c"/>` +
		`<g fill="none" stroke="#fff" stroke-width="2.5" stroke-linecap="round">` + mark + `</g></svg>`
)

// Functions returns what templates of pages call: mark gives the lines of Latchkey's
// mark, for a g element of an svg element, and icon the address of the page's icon.
func Functions() template.FuncMap {
	return template.FuncMap{
		"mark": func() template.HTML { return mark },
		"icon": func() template.URL { return template.URL("data:image/svg+xml," + url.PathEscape(icon)) },
	}
}
