package authproxies

import (
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser keeps cookies, follows redirects and submits the sign-in page.
type browser struct {
	t       *testing.T
	client  http.Client
	visited []*url.URL // redirects that the last request led through
}

// page is the answer at the end of the redirects.
type page struct {
	status int
	url    *url.URL
	body   string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	check(t, err)
	b := &browser{t: t}
	b.client = http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 20 {
			return errors.New("more than 20 redirects")
		}
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
		b.visited = append(b.visited, r.URL)
		return nil
	}}
	return b
}

func (b *browser) do(r *http.Request) page {
	b.t.Helper()
	r.Header.Set("Accept", "text/html") // mod_auth_openidc answers 401 to what accepts no page
	b.visited = nil
	answer, err := b.client.Do(r)
	check(b.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	check(b.t, err)
	return page{answer.StatusCode, answer.Request.URL, string(body)}
}

// open fetches an address.
func (b *browser) open(address string) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	check(b.t, err)
	return b.do(r)
}

var formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// signIn submits the form of the service's sign-in page.
func (b *browser) signIn(asked page, user string) page {
	b.t.Helper()
	action := formAction.FindStringSubmatch(asked.body)
	if !asked.isSignIn() || action == nil {
		b.t.Fatalf("%d at %s, want the sign-in page:\n%s", asked.status, asked.url, asked.body)
	}
	target, err := asked.url.Parse(html.UnescapeString(action[1]))
	check(b.t, err)
	form := url.Values{"username": {user}, "password": {password}}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	check(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", target.Scheme+"://"+target.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// isSignIn says whether a page is the service's sign-in page.
func (p page) isSignIn() bool {
	return p.status == http.StatusOK && strings.HasPrefix(p.url.String(), issuer()+"/login?")
}

// application returns the headers that the application received, and fails the test if the
// page is not the application's.
func (p page) application(t *testing.T) http.Header {
	t.Helper()
	var headers http.Header
	if err := json.Unmarshal([]byte(p.body), &headers); err != nil || p.status != http.StatusOK {
		t.Fatalf("%d at %s, want the application:\n%s", p.status, p.url, p.body)
	}
	return headers
}
