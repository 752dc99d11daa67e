package sessionpage

import (
	"context"
	"net/http"

	"github.com/latchkey-auth/latchkey"
)

// goToPages sends the browser to the sign-in pages.
func (p *Page) goToPages(ctx context.Context, v *visitor, _ *http.Request) outcome {
	if v.in(ctx) {
		return tell(alreadyIn)
	}
	options := []latchkey.RedirectOption{latchkey.RedirectTo(v.origin + "/callback")}
	address, flow, err := v.client.AuthCodeURL(options...)
	if err != nil {
		return tell(refused(err))
	}
	v.change(func() { v.step, v.flow = nil, flow })
	return outcome{to: address}
}

// comeBack takes the answer of the sign-in pages. The flow that it must belong to is
// the visitor's, and is forgotten whatever comes of it. The answer is a redirect, so
// that the code does not stay in the address.
func (p *Page) comeBack(w http.ResponseWriter, r *http.Request) {
	v, _ := p.find(r)
	if v == nil {
		p.fail(w, r, http.StatusForbidden, "This browser has begun no sign-in here, or its session is over. Start again, from this page.")
		return
	}
	v.mu.Lock()
	flow := v.flow
	v.flow = nil
	v.mu.Unlock()
	if flow == nil {
		v.leave(&message{Kind: kindAlert, Text: "That answer of the sign-in pages was used already, or this browser did not ask for it."})
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if err := v.client.Exchange(ctx, flow, r.URL.RawQuery); err != nil {
		v.leave(refused(err))
	} else {
		v.change(func() { v.step, v.guest = nil, false })
		p.rename(w, r, v)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
