package sessionpage

import (
	"context"
	"io"
	"net/http"
	"strings"
)

// copyToken serves POST /session/copy: a token, or a request with one, for the page's
// script to put on the clipboard. It is the one answer with a token in it. It is given for
// a form of the page's own script only, with the visitor's cookie, and is never stored nor
// shown; other pages can neither send the header nor read the answer.
func (p *Page) copyToken(w http.ResponseWriter, r *http.Request) {
	v, _ := p.find(r)
	if status, problem := p.receive(w, r); problem != "" {
		http.Error(w, problem, status)
		return
	}
	if v == nil || r.Header.Get("Latchkey-Part") != "copy" {
		http.Error(w, "Nothing was copied: the page's own button asks for it.", http.StatusForbidden)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	text, err := p.copied(ctx, v, trimmed(r, "what"))
	if err != nil {
		problem, _ := explain(err)
		http.Error(w, "Nothing was copied: "+problem+".", http.StatusConflict)
		return
	}
	if text == "" {
		http.Error(w, "Nothing was copied: there is no such token.", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
}

// copied is what is copied; empty where it is not known.
func (p *Page) copied(ctx context.Context, v *visitor, what string) (string, error) {
	tokens, err := v.client.FetchTokens(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case what == "access":
		return tokens.Access.Raw(), nil
	case what == "id" && tokens.ID != nil:
		return tokens.ID.Raw(), nil
	case what == "curl":
		return curl(p.cfg.Client.UserPoolEndpoint, tokens.Access.Raw()), nil
	}
	return "", nil
}

// curl is a call of GetUser to paste into a shell. The token stands in a here-document, not
// among the arguments, which other users of the machine can list.
func curl(endpoint, token string) string {
	return "curl -s " + quoted(strings.TrimSuffix(endpoint, "/")+"/") +
		" -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: AWSCognitoIdentityProviderService.GetUser' -d @- <<'END'\n" +
		`{"AccessToken":"` + token + `"}` + "\nEND\n"
}

// quoted is one word of a POSIX shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
