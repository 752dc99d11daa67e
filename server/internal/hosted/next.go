package hosted

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// stepParameter marks the address of the page after a form. The note in the browser's
// memory names the same value, so that the note shows on that page and on no later visit.
const stepParameter = "step"

// maxUsername bounds a user name in a note in bytes; the longest has 128 characters.
const maxUsername = 4 * 128

// Memory keeps a text in the person's browser, from one page to the next. It must be sealed:
// the text may hold the Session of a challenge.
type Memory interface {
	// Keep replaces what was kept for the pool. It writes a header of the answer.
	Keep(w http.ResponseWriter, r *http.Request, pool string, text []byte) error
	// Kept is what was kept; nil for nothing.
	Kept(r *http.Request, pool string) []byte
}

// note is what the page after a form shows.
type note struct {
	Step     string // the value of stepParameter
	Path     string
	Username string         `json:",omitzero"`
	Notice   string         `json:",omitzero"`
	Alert    string         `json:",omitzero"`
	Session  wire.Sensitive `json:",omitzero"`
	Missing  []string       `json:",omitzero"`
}

// next answers a form with the way to the next page (Post/Redirect/Get): loading that
// page again does not send the form again.
func (v *visit) next(n note) {
	n.Step = random.Text(random.Lower, 16)
	if len(n.Username) > maxUsername {
		n.Username = ""
	}
	text, err := wire.Marshal(n)
	if err == nil {
		err = v.Memory.Keep(v.w, v.r, v.place.Pool, text)
	}
	if err != nil {
		v.trouble(err)
		return
	}
	query := v.query()
	query.Set(stepParameter, n.Step)
	v.redirect(string(v.with(n.Path, query)))
}

// kept is the note for the page that is shown; the zero note on any other visit.
func (v *visit) kept(path string) note {
	var n note
	step := v.r.URL.Query().Get(stepParameter)
	if step == "" || wire.Unmarshal(v.Memory.Kept(v.r, v.place.Pool), &n) != nil || n.Step != step || n.Path != path {
		return note{}
	}
	return n
}

// username is the name that a page begins with: that of the step before, or the client's
// hint.
func (v *visit) username(n note) string { return cmp.Or(n.Username, v.request.LoginHint) }

// query is the authorization request, without the mark of the present step.
func (v *visit) query() url.Values {
	query, _ := url.ParseQuery(v.r.URL.RawQuery) // serve refused what cannot be read
	query.Del(stepParameter)
	return query
}

func (v *visit) redirect(address string) {
	v.w.Header().Set("Location", address)
	v.w.WriteHeader(http.StatusSeeOther)
}
