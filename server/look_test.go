package server_test

import (
	"bytes"
	"html"
	"image"
	"image/png"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/plug"
)

var brandLink = regexp.MustCompile(`(?:href|src)="([^"]*/brand[^"]*)"`)

// brandOf gives what a page loads of its client's look.
func (v *visitor) brandOf(page string) (style, logo string, header http.Header) {
	v.w.t.Helper()
	for _, match := range brandLink.FindAllStringSubmatch(page, -1) {
		answer, body := v.get(v.w.url + html.UnescapeString(match[1]))
		if answer.StatusCode != http.StatusOK || !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
			v.w.t.Fatalf("%s: %d %v", match[1], answer.StatusCode, answer.Header)
		}
		if strings.Contains(match[1], "/brand.css") {
			style = body
		} else {
			logo, header = body, answer.Header
		}
	}
	return style, logo, header
}

// TestUICustomizationOnPages: what was set over the API is what a browser gets, the
// client's own before that of all, and both before the configuration's.
func TestUICustomizationOnPages(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, withOAuth, func(c *server.Config) { c.Brands = plug.Brand{Stylesheet: ":root { --accent: #abcdef; }"} })
	must[wire.CreateUserPoolDomainResponse](w, "CreateUserPoolDomain", &wire.CreateUserPoolDomainRequest{Domain: "acme", UserPoolId: w.pool})
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 350, 178))); err != nil {
		t.Fatal(err)
	}
	set := func(client, css string, logo []byte) *wire.UICustomizationType {
		t.Helper()
		return must[wire.SetUICustomizationResponse](w, "SetUICustomization", &wire.SetUICustomizationRequest{
			UserPoolId: w.pool, ClientId: client, CSS: css, ImageFile: logo,
		}).UICustomization
	}
	v := w.visitor()
	look := func() (style, logo string, header http.Header) {
		t.Helper()
		answer, body := v.get(w.pageURL("/login", nil))
		wantPage(t, answer, body, http.StatusOK, "Sign in")
		return v.brandOf(body)
	}
	if style, _, _ := look(); !strings.Contains(style, "#abcdef") {
		t.Errorf("the configuration's: %q", style)
	}
	all := set("ALL", ".submitButton-customizable{background:#112233}", picture.Bytes())
	style, logo, header := look()
	if style != ":root { color-scheme: light; }\n"+all.CSS || logo != picture.String() {
		t.Errorf("all clients': %q, a logo of %d bytes", style, len(logo))
	}
	if header.Get("Content-Type") != "image/png" || header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasSuffix(header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the logo's headers: %v", header)
	}
	if answer, body := v.get(all.ImageUrl); answer.StatusCode != http.StatusOK || body != picture.String() {
		t.Errorf("ImageUrl %s: %d", all.ImageUrl, answer.StatusCode)
	}
	own := set(w.client, ".background-customizable{--accent:light-dark(#445566,#778899)}", nil)
	if style, logo, _ := look(); style != own.CSS || logo != "" {
		t.Errorf("the client's own, for light and dark: %q, a logo of %d bytes", style, len(logo))
	}
	set(w.client, "", nil)
	set("", "", nil)
	if style, logo, _ := look(); !strings.Contains(style, "#abcdef") || logo != "" {
		t.Errorf("after the reset: %q", style)
	}
	for _, path := range []string{"/brand-logo?client_id=ALL", "/brand-logo?client_id=%ff", "/brand-logo"} {
		if answer, _ := v.get(w.base() + path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
}
