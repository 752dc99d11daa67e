package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/server/hosted"
)

// withProviders is the flow of a client with other providers beside the pool's own
// passwords, or in their place. Nobody signs in here: the pages are looked at.
type withProviders struct {
	hosted.Flow
	passwords bool
}

func (f withProviders) Read(context.Context, string, url.Values) (*hosted.Request, error) {
	return &hosted.Request{
		ClientID: "notes", ClientName: "Example Notes", RedirectURI: "http://127.0.0.1/", Passwords: f.passwords, SignUp: true,
		Providers: []hosted.Provider{{Name: "Google"}, {Name: "SignInWithApple", Label: "Apple"}, {Name: "corp", Label: "Example Corporation International"}},
	}, nil
}

func TestProvidersGallery(t *testing.T) {
	tab := Open(t)
	for name, passwords := range map[string]bool{"providers": true, "choose-provider": false} {
		pages := hosted.New(hosted.Config{Flow: withProviders{passwords: passwords}})
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pages.ServeHTTP(w, r.WithContext(hosted.At(r.Context(), hosted.Place{Pool: "pool", Base: "/pool"})))
		}))
		tab.Go(web.URL + "/pool/login?client_id=notes")
		tab.look(name)
		if to := Evaluate[string](tab, "document.querySelector('.provider').href"); !strings.HasPrefix(to, web.URL+"/pool/oauth2/authorize?") {
			t.Errorf("a provider is at %s", to)
		}
		web.Close()
	}
	tab.quiet()
}
