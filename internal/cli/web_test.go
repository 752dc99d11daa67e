package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
)

// visitorMain is a browser and the person in front of it: with BROWSER=visitor the
// command opens this test binary. It signs in as VISITOR_USER, or visits whatever
// else it is given, and writes what it saw to VISITOR_LOG.
func visitorMain() {
	seen, err := visit(os.Args[1], os.Getenv("VISITOR_USER"), os.Getenv("VISITOR_PASSWORD"), true)
	if err == nil {
		err = os.WriteFile(os.Getenv("VISITOR_LOG"), []byte(seen+"\n"), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "visitor:", err)
		os.Exit(1)
	}
}

// visit goes to an address, through the login form if there is one, and comes back
// with the page it ends at; with follow unset, with the address that it was to go to.
func visit(address, username, password string, follow bool) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{} // knows no authority but the system's, as a person's browser
	defer transport.CloseIdleConnections()
	client := &http.Client{Jar: jar, Transport: transport}
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/callback") && !follow {
			return http.ErrUseLastResponse
		}
		return nil
	}
	answer, err := client.Get(address)
	if err != nil {
		return "", err
	}
	page, err := readPage(answer)
	if err != nil || !strings.HasSuffix(answer.Request.URL.Path, "/login") || strings.Contains(address, "/logout?") {
		return page, err
	}
	answer, err = client.PostForm(answer.Request.URL.String(), url.Values{"username": {username}, "password": {password}})
	if err != nil {
		return "", err
	}
	page, err = readPage(answer)
	if to, noWay := answer.Location(); noWay == nil && !follow {
		return to.String(), err
	}
	return page, err
}

func readPage(answer *http.Response) (string, error) {
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	return string(page), err
}

// TestWebFlags: what makes no sense together is said before anything is done.
func TestWebFlags(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for args, want := range map[string]string{
		"login --web --password-stdin": "exclude each other",
		"login demo --provider Google": "need --web",
		"login demo --no-browser":      "need --web",
		"login --web --port 65536":     "from 1 to 65535",
		"logout --global --local":      "exclude each other",
		"login --web demo another":     "unexpected argument",
		"login --web --provider":       "needs an argument",
	} {
		if _, stderr, code := p.run(t, "", strings.Fields(args)...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d %q", args, code, stderr)
		}
	}
}
