package hosted

import (
	"net/http"
	"slices"
)

// newPassword is the page for a new password after the sign-in with a temporary one.
type newPassword struct{ *visit }

// show asks for a new password if the step before led here; any other visit begins with
// the sign-in.
func (v newPassword) show() {
	n := v.kept("/newPassword")
	if n.Session == "" {
		v.redirect(string(v.to("/login")))
		return
	}
	v.page(Step{Session: n.Session, Username: n.Username, Missing: n.Missing}, nil, complaint{})
}

// page asks for a password that the user chooses, and for the attributes
// that the pool requires and the user does not have.
func (v newPassword) page(s Step, given map[string]string, c complaint) {
	page := v.visit.page(v.texts.say("newPassword.title"), v.texts.say("newPassword.lead"))
	page.Alert = c.alert
	page.Form = &form{Action: v.to("/newPassword"), Submit: v.texts.say("newPassword.submit"), Fields: []input{
		{Name: "session", Value: string(s.Session), Hidden: true},
		{Name: "username", Value: s.Username, Hidden: true, Autocomplete: "username"},
		c.on(v.fields().newPasswordInput("newPassword.label")),
	}}
	for _, name := range s.Missing {
		page.Form.Fields = append(page.Form.Fields, c.on(v.fields().attribute(name, given[name])))
	}
	page.Links = []link{v.link(v.texts.say("startOver"), "/login")}
	v.visit.show(http.StatusOK, "/login", page)
}

// post answers the form.
func (v newPassword) post() {
	s := Step{Session: v.secretField("session"), Username: v.field("username")}
	given := v.attributes()
	for name := range given {
		s.Missing = append(s.Missing, name)
	}
	slices.Sort(s.Missing)
	if s.Session == "" || s.Username == "" {
		v.next(note{Path: "/login", Username: s.Username, Alert: v.texts.say("problem.session")})
		return
	}
	if c := v.missing(append([]string{"new_password"}, prefixed(s.Missing)...)...); c.any() {
		v.page(s, given, c)
		return
	}
	step, err := v.Door.NewPassword(v.r.Context(), v.request, NewPassword{
		Session: s.Session, Username: s.Username, Password: v.secretField("new_password"), Attributes: given,
	})
	if err == nil {
		v.step(step)
		return
	}
	c, ok := v.explain(err)
	switch {
	case !ok:
	case c.over:
		v.next(note{Path: "/login", Alert: c.alert})
	default:
		v.page(s, given, c)
	}
}

func prefixed(names []string) []string {
	fields := make([]string, len(names))
	for i, name := range names {
		fields[i] = attributePrefix + name
	}
	return fields
}
