package sessionpage

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/jwt"
)

// copied is what the page's script gets to copy. It is not among the answers that must not
// hold a token.
func (b *browser) copied(what string, header string) (status int, text string) {
	b.w.t.Helper()
	r := b.request(http.MethodPost, "/session/copy", "what", what)
	if header != "" {
		r.Header.Set("Latchkey-Part", header)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		b.w.t.Errorf("Cache-Control is %q", got)
	}
	return answer.StatusCode, string(data)
}

func TestCopyToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get("/")
	if status, text := b.copied("access", "copy"); status != http.StatusConflict || !strings.Contains(text, "nobody is signed in") {
		t.Errorf("signed out: %d %s", status, text)
	}
	page := b.signIn()
	w.wants(page, `data-token="id"`, `data-token="access"`, `data-token="curl"`, `aria-label="Copy the user id"`, `data-copy="`+w.service.UserPoolID+`"`,
		`data-copy="`+w.service.ClientID+`"`, `aria-label="Copy the identity id"`)
	for what, use := range map[string]string{"access": "access", "id": "id"} {
		status, text := b.copied(what, "copy")
		token, err := jwt.Decode(text)
		if err != nil || status != http.StatusOK || !strings.Contains(string(token.Payload()), `"token_use":"`+use+`"`) {
			t.Errorf("%s: %d, %v", what, status, err)
		}
	}
	for what, header := range map[string]string{"access": "", "id": "message", "curl": ""} {
		if status, text := b.copied(what, header); status != http.StatusForbidden || strings.Contains(text, "eyJ") {
			t.Errorf("%s for a form without the script's header: %d", what, status)
		}
	}
	for _, what := range []string{"", "refresh", "secret"} {
		if status, text := b.copied(what, "copy"); status != http.StatusBadRequest || strings.Contains(text, "eyJ") {
			t.Errorf("%q: %d", what, status)
		}
	}
	if status, _ := w.browser().copied("access", "copy"); status != http.StatusForbidden {
		t.Errorf("without the cookie: %d", status)
	}
	r := b.request(http.MethodPost, "/session/copy", "what", "access")
	r.Header.Set("Latchkey-Part", "copy")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if status, _, text := b.do(r); status != http.StatusForbidden || strings.Contains(text, "eyJ") {
		t.Errorf("from another page: %d", status)
	}
}

// TestCopiedCurl runs what is copied, in a shell.
func TestCopiedCurl(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip("not installed: " + program)
		}
	}
	w := newWorld(t)
	b := w.browser()
	b.signIn()
	_, text := b.copied("curl", "copy")
	if first, _, _ := strings.Cut(text, "\n"); strings.Contains(first, "eyJ") {
		t.Error("the token stands among the arguments")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh")
	shell.Stdin = strings.NewReader(text)
	out, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"Username":"demo"`) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestQuotedForShell(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"http://a/": "'http://a/'", "it's": `'it'\''s'`, "": "''"} {
		if got := quoted(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
