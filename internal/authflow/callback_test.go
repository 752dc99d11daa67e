package authflow

import (
	"errors"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/secret"
)

// FuzzCallback: whatever comes back, there is an error that repeats none of it, or
// an answer with a code or an error in it.
func FuzzCallback(f *testing.F) {
	for _, seed := range []string{
		"", "?", "code=a&state=b", "https://x/y?code=a&state=b&iss=c#f", "error=access_denied&state=b", "code=a&code=b&state=c", "#access_token=a",
		"code=%zz", "code=a;state=b", "?code=a&state=%00", "state=b&code=", strings.Repeat("code=a&", 3000), "http://[::1", "\xff?code=\xff&state=\xfe",
	} {
		f.Add(seed)
	}
	flow := Flow{State: secret.New("the-state")}
	f.Fuzz(func(t *testing.T, text string) {
		answer, err := ReadCallback(text)
		if err != nil {
			if !errors.Is(err, fault.Flow) || len(err.Error()) > 300 {
				t.Errorf("%v", err)
			}
			return
		}
		if answer.Code.IsZero() && answer.failure == "" {
			t.Error("neither code nor error")
		}
		if err := answer.Belongs(flow, "iss"); err == nil && answer.state.Reveal() != "the-state" {
			t.Error("believed without its state")
		}
		if err := answer.Refusal(); err != nil && len(err.Error()) > 2000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}
