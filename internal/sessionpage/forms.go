package sessionpage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
)

// action does what a form asks for, and says where the browser goes next.
type action func(ctx context.Context, v *visitor, r *http.Request) outcome

// outcome is what came of an action.
type outcome struct {
	message  *message
	to       string // empty is the page itself
	signedIn bool   // the browser gets a new cookie
	another  *bool  // the browser gets another visit, whose tokens are short-lived or not
}

func tell(m *message) outcome { return outcome{message: m} }

// act takes a form: posted by the page itself, of bounded size, with a cookie that
// is known. It answers with a redirect, and a script that asked for it with the
// message alone.
func (p *Page) act(w http.ResponseWriter, r *http.Request, do action) {
	v, _ := p.find(r)
	if status, problem := p.receive(w, r); problem != "" {
		if v == nil { // no cookie for a form of another page: it would end the session there is
			http.Error(w, problem, status)
			return
		}
		p.fail(w, r, status, problem)
		return
	}
	if v == nil && forScript(r) {
		w.WriteHeader(http.StatusForbidden) // the script loads the page again, which says why
		return
	}
	if v == nil {
		p.fail(w, r, http.StatusForbidden, "Nothing was done: this browser has no session here any more, or it did not send its cookie, which the page needs. Try again.")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	out := do(ctx, v, r)
	if out.signedIn {
		p.rename(w, r, v)
	}
	if out.another != nil {
		if err := p.replace(w, r, v, *out.another); err != nil {
			p.refuse(w, r, err)
			return
		}
	}
	if out.message != nil && forScript(r) {
		p.writePart(w, out.message)
		return
	}
	v.leave(out.message)
	http.Redirect(w, r, cmp.Or(out.to, "/"), http.StatusSeeOther)
}

// forScript reports whether the page's script sent the form.
func forScript(r *http.Request) bool { return r.Header.Get("Latchkey-Part") == "message" }

// receive reads a form.
func (p *Page) receive(w http.ResponseWriter, r *http.Request) (status int, problem string) {
	if err := p.origins.Check(r); err != nil {
		return http.StatusForbidden, "Nothing was done: the request came from another page."
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return http.StatusUnsupportedMediaType, "Nothing was done: this is not a form that the page sends."
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err = r.ParseForm()
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return http.StatusRequestEntityTooLarge, "Nothing was done: that was more than a form of this page can hold."
	}
	if err != nil {
		return http.StatusBadRequest, "Nothing was done: the form cannot be read."
	}
	for name, values := range r.PostForm {
		if len(values) != 1 || len(name) > maxField || len(values[0]) > maxField {
			return http.StatusBadRequest, "Nothing was done: a field is too long, or there twice."
		}
	}
	return 0, ""
}

// writePart writes a message alone.
func (p *Page) writePart(w http.ResponseWriter, m *message) {
	var text bytes.Buffer
	if err := templates().ExecuteTemplate(&text, "message", m); err != nil {
		http.Error(w, "the message cannot be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text.Bytes())
}

// trimmed is a value of a form without the white space that a paste brings.
func trimmed(r *http.Request, name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
