// Package pagestyle holds what the pages' stylesheets have in common: the sign-in
// pages, the session page and the outbox look alike because they share these rules,
// not because one of them knows another.
//
// A page's stylesheet is Base, then the parts whose elements the page has, then the
// page's own rules, which so override the shared ones.
package pagestyle

import _ "embed"

var (
	//go:embed base.css
	base string
	//go:embed forms.css
	forms string
	//go:embed panel.css
	panel string
)

// Base returns the rules of every page: colors (light and dark), fonts, headings,
// links and the mark.
func Base() string { return base }

// Forms returns the rules of pages that ask for something: fields, messages about
// them, and the line between two ways to sign in.
func Forms() string { return forms }

// Panel returns the rules of the pages for the person at this machine: the bar at the
// top, cards, buttons, and what scripts update.
func Panel() string { return panel }
