package sessionpage

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/internal/origin"
	"github.com/latchkey-auth/latchkey/latchkeytest"
	"github.com/latchkey-auth/latchkey/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "Correct-Horse-9"

// world is the page before a service of its own, which has the user demo.
type world struct {
	t       *testing.T
	service *latchkeytest.Server
	page    *Page
	web     *httptest.Server

	mu      sync.Mutex
	answers strings.Builder // everything that browsers were told
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	return newWorldOf(t, latchkeytest.NewServer(t, latchkeytest.Schema(latchkeytest.Attribute{Name: "plan"})), change...)
}

func newWorldOf(t *testing.T, service *latchkeytest.Server, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, service: service}
	w.service.AddUser(latchkeytest.User{
		Username: "demo", Password: password, Attributes: map[string]string{"email": "demo@example.com", "name": "Demo <b>User</b>", "custom:plan": "free"},
	})
	config := Config{Client: w.service.Config(), Username: "demo", Password: latchkey.NewSecret(password)}
	for _, do := range change {
		do(&config)
	}
	var err error
	if w.page, err = New(config); err != nil {
		t.Fatal(err)
	}
	w.web = httptest.NewServer(w.page)
	t.Cleanup(func() {
		w.wantNoSecrets()
		if err := w.page.Close(); err != nil {
			t.Error(err)
		}
		w.web.Close()
	})
	return w
}

// wantNoSecrets fails the test if anything was told that opens a door.
func (w *world) wantNoSecrets() {
	w.t.Helper()
	w.mu.Lock()
	told := w.answers.String()
	w.mu.Unlock()
	secrets := map[string]string{"the password": password}
	scope := store.Scope{Service: origin.Of(w.service.Config().UserPoolEndpoint), PoolID: w.service.UserPoolID, ClientID: w.service.ClientID}
	w.page.mu.Lock()
	visitors := slices.Collect(maps.Values(w.page.visitors))
	w.page.mu.Unlock()
	for _, v := range visitors {
		accounts, err := v.memory.List(context.Background(), scope)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, account := range accounts {
			record, err := v.memory.Load(context.Background(), account)
			if err != nil {
				w.t.Fatal(err)
			}
			if tokens := record.Tokens; tokens != nil {
				secrets["the access token"], secrets["the ID token"], secrets["the refresh token"] = tokens.Access.Reveal(), tokens.ID.Reveal(), tokens.Refresh.Reveal()
				secrets["a signature"] = tokens.Access.Reveal()[strings.LastIndexByte(tokens.Access.Reveal(), '.')+1:]
			}
			for _, identity := range record.Identities {
				if c := identity.Credentials; c != nil {
					secrets["the secret key"], secrets["the session token"], secrets["the key's id"] = c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.AccessKeyID
				}
			}
		}
	}
	for what, secret := range secrets {
		if secret != "" && strings.Contains(told, secret) {
			w.t.Errorf("%s stands in an answer", what)
		}
	}
}

// browser is a person's, with its cookies.
type browser struct {
	w      *world
	client *http.Client
}

func (w *world) browser() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &browser{w, &http.Client{Jar: jar, Transport: transport}}
}

// do sends a request and follows it to its end.
func (b *browser) do(r *http.Request) (status int, at *url.URL, body string) {
	b.w.t.Helper()
	answer, err := b.client.Do(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.w.answers.Write(text)
	return answer.StatusCode, answer.Request.URL, string(text)
}

func (b *browser) request(method, path string, form ...string) *http.Request {
	b.w.t.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	if !strings.HasPrefix(path, "http") {
		path = b.w.web.URL + path
	}
	r, err := http.NewRequestWithContext(b.w.t.Context(), method, path, strings.NewReader(values.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// get loads a page, which must be there.
func (b *browser) get(path string) string {
	b.w.t.Helper()
	status, _, body := b.do(b.request(http.MethodGet, path))
	if status != http.StatusOK {
		b.w.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	return body
}

// post sends a form and gives the page that comes of it.
func (b *browser) post(path string, form ...string) string {
	b.w.t.Helper()
	status, at, body := b.do(b.request(http.MethodPost, path, form...))
	if status != http.StatusOK || at.Path != "/" {
		b.w.t.Fatalf("POST %s: %d at %s: %s", path, status, at, body)
	}
	return body
}

// cookie is the value of the browser's one cookie for the page.
func (b *browser) cookie() string {
	b.w.t.Helper()
	u, err := url.Parse(b.w.web.URL)
	if err != nil {
		b.w.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if strings.HasPrefix(c.Name, "latchkey-page-") {
			return c.Value
		}
	}
	return ""
}

// signIn signs demo in with the password.
func (b *browser) signIn() string {
	b.w.t.Helper()
	b.get("/")
	return b.post("/session/sign-in", "username", "demo", "password", password)
}

// sees loads the page until the texts are there: events come a moment after what
// they tell of.
func (b *browser) sees(texts ...string) {
	b.w.t.Helper()
	missing := func(page string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(page, text) })
	}
	page := b.get("/")
	for end := time.Now().Add(soon); missing(page) && time.Now().Before(end); {
		page = b.get("/")
	}
	b.w.wants(page, texts...)
}

// wants fails the test unless all the texts are there.
func (w *world) wants(page string, texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			_, shown, _ := strings.Cut(page, "<main")
			shown, _, _ = strings.Cut(shown, "<script")
			w.t.Errorf("no %q in <main%s", text, shown)
		}
	}
}

// never fails the test if one of the texts is there.
func (w *world) never(page string, texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if strings.Contains(page, text) {
			w.t.Errorf("%q in %s", text, page)
		}
	}
}
