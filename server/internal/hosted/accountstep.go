package hosted

import "net/http"

// accountStep is a page with a form for one operation on an account. A form that succeeds
// leads to the next page; one that fails is shown again with the reason.
type accountStep struct {
	path string
	own  bool // see route
	// words are the title, the sentence below it, and the text of the button.
	words func(v *visit) (title, lead, submit string)
	// inputs are the fields of the form, filled with values. All of them are required.
	inputs func(f fields, given values) []input
	links  func(v *visit) []link
	// perform calls the operation with a complete form. The note names the next page.
	perform func(v *visit, given values) (note, error)
	// resend answers the second button; nil if there is none.
	resend func(v *visit)
	// closed answers and returns true if the client does not offer the page; nil if all do.
	closed func(v *visit) bool
}

// values are the fields of a form that a page shows again.
type values struct {
	username   string
	attributes map[string]string // by name, without a prefix
}

func (s *accountStep) route() route { return route{show: s.show, post: s.post, own: s.own} }

// show answers a request for the page.
func (s *accountStep) show(v *visit) {
	n := v.kept(s.path)
	s.page(v, values{username: v.username(n)}, n.Notice, complaint{alert: n.Alert})
}

func (s *accountStep) page(v *visit, given values, notice string, c complaint) {
	if s.closed != nil && s.closed(v) {
		return
	}
	title, lead, submit := s.words(v)
	page := v.page(title, lead)
	page.Alert, page.Notice, page.Links = c.alert, notice, s.links(v)
	page.Form = &form{Action: v.to(s.path), Submit: submit}
	if s.resend != nil {
		page.Form.Second = v.texts.say("code.resend")
	}
	for _, i := range s.inputs(v.fields(), given) {
		page.Form.Fields = append(page.Form.Fields, c.on(i))
	}
	v.show(http.StatusOK, s.path, page)
}

// post answers a form.
func (s *accountStep) post(v *visit) {
	if s.resend != nil && v.field("do") == "resend" {
		s.resend(v)
		return
	}
	given := values{v.field("username"), v.attributes()}
	var required []string
	for _, i := range s.inputs(v.fields(), given) {
		required = append(required, i.Name)
	}
	if c := v.missing(required...); c.any() {
		s.page(v, given, "", c)
		return
	}
	n, err := s.perform(v, given)
	if err != nil {
		s.failed(v, given, "", err)
		return
	}
	v.next(n)
}

// failed shows the page again with the reason, below a notice, or the sign-in page if this
// step cannot succeed.
func (s *accountStep) failed(v *visit, given values, notice string, err error) {
	c, ok := v.explain(err)
	switch {
	case !ok:
	case c.over:
		v.next(note{Path: "/login", Username: given.username, Alert: c.alert})
	default:
		s.page(v, given, notice, c)
	}
}

// backToSignIn is the only link of some pages.
func backToSignIn(v *visit) []link { return []link{v.link(v.texts.say("backToSignIn"), "/login")} }
