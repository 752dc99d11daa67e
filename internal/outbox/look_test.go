package outbox

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/contrast"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// TestContrast checks that text is readable, light and dark (4.5 to 1).
func TestContrast(t *testing.T) {
	t.Parallel()
	all := contrast.Palette(style())
	on := map[string][]string{
		"ink": {"paper", "card"}, "soft": {"paper", "card"}, "link": {"paper"}, "on-accent": {"accent", "accent-hover"},
	}
	for _, match := range regexp.MustCompile(`[{;]\s*color: var\(--([a-z-]+)\)`).FindAllStringSubmatch(style(), -1) {
		if on[match[1]] == nil {
			t.Errorf("text in %s has no background here", match[1])
		}
	}
	for front, backs := range on {
		for _, back := range backs {
			for scheme, name := range []string{"light", "dark"} {
				if got, err := contrast.Ratio(all[front][scheme], all[back][scheme]); err != nil || got < 4.5 {
					t.Errorf("%s: %s on %s is %.2f to 1; %v", name, front, back, got, err)
				}
			}
		}
	}
}

// TestCopyButtons checks what the buttons of a message copy, that only our script
// may run, and that the page leads back to the session page.
func TestCopyButtons(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{
		"Your code is 012345.": "012345", "Your password is abc": "", "Call 1234567": "", "<b onclick=x>\" data-copy=\"123456": "123456",
	} {
		o := New(nil)
		message := plug.Message{Medium: plug.MediumSMS, Address: "+15551234567", Text: plug.NewSecret(text)}
		if err := o.Send(context.Background(), message); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/outbox", nil)
		r.Host, r.RemoteAddr = "127.0.0.1:9229", "127.0.0.1:1"
		answer := httptest.NewRecorder()
		o.ServeHTTP(answer, r)
		page := answer.Body.String()
		if got := strings.Contains(page, "Copy code"); got != (code != "") || code != "" && !strings.Contains(page, `data-copy="`+code+`">Copy code`) {
			t.Errorf("%q: the code's button is there: %v", text, got)
		}
		for _, want := range []string{`>Copy message</button>`, `href="/">Session page`, `class="mark"`, "<script>" + script + "</script>"} {
			if !strings.Contains(page, want) {
				t.Errorf("%q: the page lacks %s", text, want)
			}
		}
		if strings.Contains(page, "<b onclick") || strings.Contains(page, `" data-copy="123456"`+"\n") {
			t.Errorf("%q is markup: %s", text, page)
		}
		if policy := answer.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'sha256-") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
	}
}
