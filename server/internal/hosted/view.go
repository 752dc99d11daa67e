package hosted

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/pagestyle"
)

//go:embed page.html
var pageText string

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(pagestyle.Functions()).Parse(pageText))
})

// view is a page as the template shows it: every page is a heading, what there is
// to say, at most one form, and ways on.
type view struct {
	Lang          string
	Title, Lead   string
	Alert, Notice string
	Icon          string // of a page without a form: "done" or "problem"
	Code          string // of the error page
	Form          *form
	Or            string // between form and providers
	Providers     []link
	Links         []link
	Languages     []link
	LanguagesName string
	Style         template.URL
	Brand         brand
	Script        template.JS
}

type form struct {
	Action template.URL
	Fields []input
	Submit string
	Second string // a button that posts do=resend
	Peek   string // what the button that shows a password is called
}

// Bounds of fields. Browsers count them in UTF-16 units, two for some characters, and cut
// what is pasted without a word. So each is far above what the service takes, which then
// refuses a text that is too long.
const (
	maxNameField      = 4 * 128
	maxPasswordField  = 4 * 256
	maxAttributeField = 4 * 2048
)

// input is a field of a form. Hidden ones are for the next step.
type input struct {
	Name, Label, Value string
	Type               string // default text
	Autocomplete       string
	InputMode          string
	Hint, Error        string
	Rules              []string
	Link               *link
	Hidden             bool
	Optional           bool
	Focus              bool
	Class              string
	MaxLength          int
}

// Describes are the ids of what describes the field (aria-describedby).
func (i input) Describes() string {
	var ids string
	add := func(there bool, part string) {
		if there {
			if ids != "" {
				ids += " "
			}
			ids += i.Name + "-" + part
		}
	}
	add(i.Error != "", "error")
	add(i.Hint != "", "hint")
	add(len(i.Rules) > 0, "rules")
	return ids
}

// Password reports whether the field has a button that shows what was typed.
func (i input) Password() bool { return i.Type == "password" }

type link struct {
	Text, Before string
	Lang         string // of a link to the page in another language
	Mark         string // a provider's first letter
	Social       bool   // the provider is one of Cognito's social ones
	Current      bool
	URL          template.URL
}

// page begins a view with a title and a sentence below it.
func (v *visit) page(title, lead string) *view {
	return &view{Title: title, Lead: lead}
}

// toClient says a text that names the client, or its form for a client without a name.
func (v *visit) toClient(key string) string {
	if v.request.ClientName == "" {
		return v.texts.say(key + "Unnamed")
	}
	return v.texts.say(key, v.request.ClientName)
}

// to is the address of another page of the same authorization request. Encode
// leaves nothing in a query that HTML or a URL would take for its own.
func (v *visit) to(path string) template.URL { return v.with(path, v.query()) }

func (v *visit) with(path string, query url.Values) template.URL {
	address := v.place.Base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return template.URL(address)
}

func (v *visit) link(text, path string) link { return link{Text: text, URL: v.to(path)} }

// languages are links to the page that begins this step, in each language. A page
// about no authorization request takes nothing along but the error it is for.
func (v *visit) languages(path, code string) []link {
	query := url.Values{}
	switch {
	case code != "":
		query.Set("error", code)
	case v.request != nil:
		query = v.r.URL.Query()
	}
	var links []link
	for _, t := range catalog() {
		query.Set("lang", t.tag)
		links = append(links, link{Text: t.name, Lang: t.tag, Current: t == v.texts, URL: v.with(path, query)})
	}
	return links
}

// show writes a page; path is the one that its languages are linked under, which
// can be asked for anew.
func (v *visit) show(status int, path string, page *view) {
	page.Lang, page.Brand, page.Style, page.Script = v.texts.tag, v.brand, styleURL(v.place.Base), template.JS(script)
	page.Languages, page.LanguagesName = v.languages(path, page.Code), v.texts.say("languages")
	if page.Form != nil {
		page.Form.Peek = v.texts.say("showPassword")
		page.Form.focus()
	}
	var text bytes.Buffer
	if err := pageTemplate().Execute(&text, page); err != nil {
		v.Logger.ErrorContext(v.r.Context(), "sign-in page cannot be made", "error", err)
		http.Error(v.w, v.texts.say("error.server_error"), http.StatusInternalServerError)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.texts.tag)
	h.Add("Vary", "Accept-Language")
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(text.Bytes())
	}
}

// focus puts the cursor where it is needed: on the field that is wrong, or else
// on the first that is empty.
func (f *form) focus() {
	first := -1
	for i, field := range f.Fields {
		switch {
		case field.Hidden:
		case field.Error != "":
			f.Fields[i].Focus = true
			return
		case first < 0 && field.Value == "":
			first = i
		}
	}
	if first >= 0 {
		f.Fields[first].Focus = true
	}
}

// fail shows the error page. It links nowhere: whoever got here by a bad address
// should go back to where it came from.
func (v *visit) fail(status int, code string) {
	if !v.texts.has("error." + code) {
		code = "unknown"
	}
	v.note(code)
	page := v.page(v.texts.say("error.title"), v.texts.say("error."+code))
	page.Icon, page.Code = "problem", code
	header(v.w.Header(), false)
	v.show(status, "/error", page)
}

// showError is the page for a browser that was sent to /error, as Cognito does
// where it will not redirect.
func (v *visit) showError() {
	code := v.r.URL.Query().Get("error")
	if code == "" {
		code = "unknown"
	}
	v.fail(http.StatusBadRequest, code)
}

// showSignOut asks before a sign-out that an application requested without a proof that the
// request is its user's.
func (v *visit) showSignOut() {
	page := v.page(v.texts.say("signOut.title"), v.texts.say("signOut.lead"))
	page.Form = &form{Action: v.with("/signOut", nil), Submit: v.texts.say("signOut.submit")}
	header(v.w.Header(), true)
	v.show(http.StatusOK, "/signOut", page)
}

func (v *visit) signOut() {
	if err := v.Flow.SignOut(v.w, v.r, v.place.Pool); err != nil {
		v.trouble(err)
		return
	}
	v.redirect(string(v.with("/signedOut", nil)))
}

func (v *visit) showSignedOut() {
	page := v.page(v.texts.say("signedOut.title"), v.texts.say("signedOut.lead"))
	page.Icon = "done"
	v.show(http.StatusOK, "/signedOut", page)
}
