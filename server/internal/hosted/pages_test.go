package hosted_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/server/internal/hosted"
	"github.com/latchkey-auth/latchkey/server/plug"
)

func newRequest(method, path string) *http.Request {
	return httptest.NewRequest(method, base+path+"?"+query, nil)
}

func TestErrorPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for code, want := range map[string]string{
		"redirect_mismatch": "not registered", "invalid_client": "not known", "nonsense": "could not be started", "": "could not be started",
	} {
		page := w.ask("/error?error="+code+"&client_id=app").says("This did not work", want)
		if page.status != http.StatusBadRequest || page.find("form") != nil {
			t.Errorf("%s: status %d", code, page.status)
		}
		for _, a := range all(page.page, "a") {
			if !strings.HasPrefix(attr(a, "href"), base+"/error?error=") || strings.Contains(page.body, "evil") {
				t.Errorf("%s: the page links to %s", code, attr(a, "href"))
			}
		}
	}
	w.ask("/signedOut").says("You are signed out")
	recorder := httptest.NewRecorder()
	w.pages.ShowSignedOut(recorder, newRequest(http.MethodGet, "/logout"), "app")
	if !strings.Contains(recorder.Body.String(), "You are signed out") {
		t.Error(recorder.Body)
	}
	recorder = httptest.NewRecorder()
	w.pages.ShowError(recorder, newRequest(http.MethodGet, "/logout"), http.StatusBadRequest, "invalid_request")
	if recorder.Code != http.StatusBadRequest || !strings.Contains(recorder.Body.String(), "incomplete or damaged") {
		t.Error(recorder.Code, recorder.Body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, path := range []string{"/login", "/signup", "/confirmUser", "/forgotPassword", "/confirmforgotPassword"} {
		w.readErr = &hosted.Refusal{Code: "redirect_mismatch"}
		if page := w.open(path).says("This did not work", "not registered"); page.status != http.StatusBadRequest || page.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", path, page.status, page.header.Get("Location"))
		}
		w.readErr = &hosted.Refusal{Code: "invalid_scope", Location: "https://app.example/back?error=invalid_scope"}
		if a := w.open(path); a.status != http.StatusSeeOther || a.header.Get("Location") != "https://app.example/back?error=invalid_scope" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
		w.readErr = errors.New("the disk is full of 'secrets'")
		if page := w.open(path).says("This did not work", "on our side"); page.status != http.StatusInternalServerError || strings.Contains(page.body, "secrets") {
			t.Errorf("%s: %d", path, page.status)
		}
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	post := func(body, kind string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, base+"/login?"+query, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		return r
	}
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		request *http.Request
		status  int
	}{
		"no such page":           {newRequest(http.MethodGet, "/admin"), http.StatusNotFound},
		"a page below another":   {newRequest(http.MethodGet, "/login/"), http.StatusNotFound},
		"DELETE":                 {newRequest(http.MethodDelete, "/login"), http.StatusMethodNotAllowed},
		"PUT":                    {newRequest(http.MethodPut, "/signup"), http.StatusMethodNotAllowed},
		"POST to a page":         {newRequest(http.MethodPost, "/error"), http.StatusMethodNotAllowed},
		"POST to an asset":       {newRequest(http.MethodPost, "/latchkey.css"), http.StatusMethodNotAllowed},
		"JSON":                   {post("{}", "application/json"), http.StatusUnsupportedMediaType},
		"no type":                {post("username=ann", ""), http.StatusUnsupportedMediaType},
		"multipart":              {post("", "multipart/form-data; boundary=x"), http.StatusUnsupportedMediaType},
		"a broken form":          {post("username=%zz", form), http.StatusBadRequest},
		"a field twice":          {post("username=a&username=b", form), http.StatusBadRequest},
		"a long field":           {post("username="+strings.Repeat("a", 5000), form), http.StatusBadRequest},
		"a long body":            {post(strings.Repeat("a=b&", 20000), form), http.StatusRequestEntityTooLarge},
		"a long query":           {httptest.NewRequest(http.MethodGet, base+"/login?state="+strings.Repeat("a", 10000), nil), http.StatusRequestURITooLong},
		"a broken query":         {httptest.NewRequest(http.MethodGet, base+"/login?state=%zz", nil), http.StatusBadRequest},
		"a query with semicolon": {httptest.NewRequest(http.MethodGet, base+"/login?a=1;b=2", nil), http.StatusBadRequest},
	} {
		a := w.send(test.request)
		if a.status != test.status || a.header.Get("Location") != "" {
			t.Errorf("%s: %d, want %d", name, a.status, test.status)
		}
		if a.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
			t.Errorf("%s: no Allow", name)
		}
	}
}

func TestCrossSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.addUser("ann")
	body := url.Values{"username": {"ann"}, "password": {password}}.Encode()
	for _, test := range []struct {
		header, value string
		status        int
	}{
		{"Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		{"Sec-Fetch-Site", "same-site", http.StatusForbidden},
		{"Origin", "https://evil.example", http.StatusForbidden},
		{"Origin", "null", http.StatusForbidden},
		{"Origin", "http://example.com", http.StatusSeeOther}, // httptest's host
		{"Sec-Fetch-Site", "same-origin", http.StatusSeeOther},
		{"X-No-Browser", "curl", http.StatusSeeOther},
	} {
		r := httptest.NewRequest(http.MethodPost, base+"/login?"+query, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(test.header, test.value)
		w.proven = nil
		a := w.send(r)
		if a.status != test.status || (w.proven != nil) != (test.status == http.StatusSeeOther) {
			t.Errorf("%s: %s: %d, signed in %v", test.header, test.value, a.status, w.proven)
		}
	}
}

// TestFormAction: what follows a form that was posted may lead anywhere, over the
// client and on from there; a page without a form posts nothing. Nothing of the
// request gets into the policy.
func TestFormAction(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, uri := range []string{"https://app.example/back?x=1", "http://[::1]:5000/cb", "com.example.app://signed-in", "https://a.example;script-src */"} {
		w.request.RedirectURI = uri
		policy := w.open("/login").header.Get("Content-Security-Policy")
		if strings.Contains(policy, "form-action") || strings.Contains(policy, "example") || strings.Count(policy, ";") != 5 {
			t.Errorf("%q: %s", uri, policy)
		}
	}
	for _, path := range []string{"/error", "/signedOut", "/nothing"} {
		a := w.send(httptest.NewRequest(http.MethodGet, base+path, nil))
		if policy := a.header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; form-action 'none'") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	page := w.open("/login")
	size, requests := len(page.body), 1
	for _, link := range append(all(page.page, "link"), append(all(page.page, "img"), all(page.page, "script")...)...) {
		address := attr(link, "href") + attr(link, "src")
		if address == "" || strings.HasPrefix(address, "data:") {
			continue
		}
		requests++
		a := w.send(httptest.NewRequest(http.MethodGet, address, nil))
		if a.status != http.StatusOK || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %s", address, a.status, a.header.Get("Cache-Control"))
		}
		size += len(a.body)
	}
	t.Logf("sign-in page: %d requests, %d bytes", requests, size)
	if requests > 2 || size > 30<<10 {
		t.Errorf("%d requests, %d bytes", requests, size)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	paths := w.pages.Paths()
	for _, path := range []string{"/login", "/signup", "/confirmUser", "/forgotPassword", "/confirmforgotPassword", "/error", "/latchkey.css"} {
		if !slices.Contains(paths, path) {
			t.Errorf("%s is not among %v", path, paths)
		}
	}
	for _, path := range paths {
		if a := w.open(path); a.status == http.StatusNotFound && !strings.HasPrefix(path, "/brand") {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestBranding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.config.Brands = plug.Brand{
		Stylesheet: ".submitButton-customizable { background: #123456; }", Logo: []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"),
		LogoType: "image/svg+xml", LogoText: "Example & Co",
	}
	w.pages = hosted.New(w.config)
	page := w.open("/login")
	logo := page.find("img")
	if logo == nil || attr(logo, "alt") != "Example & Co" || page.find("svg") != nil && attr(page.find("svg"), "class") == "mark" {
		t.Fatalf("no logo: %s", page.body)
	}
	image := w.send(httptest.NewRequest(http.MethodGet, attr(logo, "src"), nil))
	if image.header.Get("Content-Type") != "image/svg+xml" || !strings.HasSuffix(image.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("logo: %v", image.header)
	}
	links := all(page.page, "link")
	style := w.send(httptest.NewRequest(http.MethodGet, attr(links[len(links)-1], "href"), nil))
	if !strings.Contains(style.body, "#123456") || !strings.Contains(style.header.Get("Cache-Control"), "immutable") {
		t.Errorf("style: %s %v", style.body, style.header)
	}
	if old := w.ask("/brand.css?client_id=x&v=old"); old.header.Get("Cache-Control") != "no-store" {
		t.Error("an old address may be kept")
	}
	w.config.Brands = plug.Brand{Stylesheet: ".label-customizable{color:#123456}", LightOnly: true, Logo: []byte("GIF89a"), LogoType: "image/gif"}
	w.pages = hosted.New(w.config)
	recorder := httptest.NewRecorder()
	w.pages.ShowSignedOut(recorder, newRequest(http.MethodGet, "/logout").WithContext(hosted.At(t.Context(), hosted.Place{Pool: w.pool, Base: base})), w.client)
	if logo := hosted.LogoURL(base, w.client, []byte("GIF89a")); !strings.Contains(recorder.Body.String(), strings.ReplaceAll(logo, "&", "&amp;")) {
		t.Errorf("signed out without the logo %s: %s", logo, recorder.Body)
	}
	if style := w.ask("/brand.css?client_id=" + w.client).body; !strings.HasPrefix(style, ":root { color-scheme: light; }") || !strings.HasSuffix(style, "#123456}") {
		t.Errorf("a light stylesheet is served as %q", style)
	}
	for name, bad := range map[string]plug.Brand{
		"a long stylesheet": {Stylesheet: strings.Repeat("a", 129<<10)},
		"a large logo":      {Logo: make([]byte, 101<<10), LogoType: "image/png"},
		"a page for a logo": {Logo: []byte("<script>"), LogoType: "text/html"},
	} {
		w.config.Brands = bad
		w.pages = hosted.New(w.config)
		if a := w.open("/login"); a.status != http.StatusInternalServerError {
			t.Errorf("%s: %d", name, a.status)
		}
		if a := w.ask("/brand-logo"); a.status != http.StatusNotFound {
			t.Errorf("%s: served with %d", name, a.status)
		}
	}
}

// TestPlace: what was sent as a pool's id is no address of another host.
func TestPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, test := range []struct {
		base   string
		status int
	}{
		{"", http.StatusOK}, {"/us-east-1_abc", http.StatusOK}, {"/auth/us-east-1_abc", http.StatusOK},
		{"//evil.example", http.StatusNotFound}, {"/\\evil.example", http.StatusNotFound}, {"/a b", http.StatusNotFound},
		{`/"><script>`, http.StatusNotFound}, {"/..", http.StatusNotFound}, {"/%2f", http.StatusNotFound}, {"https://evil.example", http.StatusNotFound},
	} {
		r := httptest.NewRequest(http.MethodGet, "/x?"+query, nil)
		r.URL.Path = test.base + "/login"
		recorder := httptest.NewRecorder()
		w.pages.ServeHTTP(recorder, r.WithContext(hosted.At(r.Context(), hosted.Place{Pool: w.pool, Base: test.base})))
		if recorder.Code != test.status || strings.Contains(recorder.Body.String(), "evil") {
			t.Errorf("%s: %d %s", test.base, recorder.Code, recorder.Body)
		}
	}
}

// naughty are texts that break pages which put them together carelessly.
var naughty = []string{
	`<script>alert(1)</script>`, `"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `"><svg/onload=alert(1)>`,
	`</title><script>alert(1)</script>`, `</script><script>alert(1)</script>`, `</style><script>alert(1)</script>`,
	`" autofocus onfocus="alert(1)`, `' onmouseover='alert(1)`, "` onmouseover=alert(1) `", `javascript:alert(1)`, `JaVaScRiPt:alert(1)`,
	"java\tscript:alert(1)", "\x01javascript:alert(1)", `data:text/html,<script>alert(1)</script>`, `vbscript:x`, `//evil.example`,
	`https://evil.example`, `\\evil.example`, `/\evil.example`, `{{.}}`, `{{template "form" .}}`, `${alert(1)}`, `{0}{1}`, `%00`, "a\x00b",
	"a\r\nSet-Cookie: x=y", "a\nb", `--><script>alert(1)</script><!--`, `]]><script>alert(1)</script>`, `<style>*{display:none}</style>`,
	`<base href=https://evil.example>`, `<meta http-equiv=refresh content=0>`, `<iframe srcdoc=x>`, `<form action=https://evil.example>`,
	`&lt;script&gt;`, `&#60;script&#62;`, `&"'<>`, "\u202eevil", "\ufeff", "\u2028alert(1)", `<ſcript>`, `＜script＞`, "\xff\xfe", `<a href=x>x`,
	strings.Repeat("<", 150), `<math><mi//xlink:href="data:x,<script>alert(1)</script>">`, `expression(alert(1))`, `url(javascript:alert(1))`,
}

// TestNaughtyStrings puts them wherever a page takes a text from outside. The
// rules that every page is held to (check) find what gets out of its place; here
// the form is to have all its parts besides, and the text to be shown as it is.
func TestNaughtyStrings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.request.Names.EmailAlias = true
	plain := shape(w.withNaughty("plain"))
	for i, s := range naughty {
		pages := w.withNaughty(s)
		if got := shape(pages); got != plain {
			t.Errorf("%q changes the pages:\n%s\n%s", s, got, plain)
		}
		if clean := strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\ufffd"), "\ufffd"); i < 12 && attr(pages[0].byID("username"), "value") != clean {
			t.Errorf("%q is shown as %q", s, attr(pages[0].byID("username"), "value"))
		}
	}
}

func (w *world) withNaughty(s string) []*answer {
	w.request.LoginHint, w.request.ClientName = s, s
	w.request.Providers = []hosted.Provider{{Name: s, Label: s}}
	w.request.Ask = []string{"email", "custom:" + s}
	q := "?" + url.Values{"state": {s}, "client_id": {s}, "error": {s}, "lang": {s}, "login_hint": {s}, s: {s}}.Encode()
	form := url.Values{"username": {s}, "password": {s}, "attribute.email": {s}, "attribute.custom:" + s: {s}, "new_password": {s}, "code": {s}, "session": {s}}
	return []*answer{
		w.ask("/login" + q), w.ask("/signup" + q), w.ask("/confirmUser" + q), w.ask("/forgotPassword" + q), w.ask("/error" + q),
		w.postTo(base+"/login"+q, url.Values{"username": {s}}), w.postTo(base+"/newPassword"+q, url.Values{"username": {s}, "session": {s}, "attribute." + s: {s}}),
		w.postTo(base+"/signup"+q, url.Values{"username": {s}, "attribute.email": {s}, "attribute.custom:" + s: {s}}),
		w.postTo(base+"/confirmUser"+q, url.Values{"username": {s}}), w.postTo(base+"/confirmforgotPassword"+q, url.Values{"code": form["code"]}),
	}
}

// shape is what elements a list of pages has, without their texts.
func shape(pages []*answer) string {
	var b strings.Builder
	for _, page := range pages {
		for n := range page.page.Descendants() {
			if n.Type == 3 { // html.ElementNode
				fmt.Fprintf(&b, "%s%d ", n.Data, len(n.Attr))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
