package hosted

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/pagestyle"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// StylePath is the path of the pages' stylesheet, below [Place].Base.
const StylePath = "/latchkey.css"

// The paths of a client's look.
const (
	brandStylePath = "/brand.css"
	brandLogoPath  = "/brand-logo"
)

// Bounds of a brand, those of Cognito's UICustomization.
const (
	maxStylesheet = 128 << 10
	maxLogo       = 100 << 10
)

// logoTypes are the media types of a logo. An SVG file runs no script in an img
// element, nor where somebody opens it by itself: it is served in a sandbox.
var logoTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}

//go:embed page.css
var ownStyle string

var style = sync.OnceValue(func() []byte { return []byte(pagestyle.Base() + pagestyle.Forms() + ownStyle) })

// CheckBrand returns an error for a brand that is too large or whose logo is of another type.
func CheckBrand(b plug.Brand) error {
	switch {
	case len(b.Stylesheet) > maxStylesheet:
		return fmt.Errorf("the brand's stylesheet has %d bytes, more than %d", len(b.Stylesheet), maxStylesheet)
	case len(b.Logo) > maxLogo:
		return fmt.Errorf("the brand's logo has %d bytes, more than %d", len(b.Logo), maxLogo)
	case len(b.Logo) > 0 && !slices.Contains(logoTypes, b.LogoType):
		return fmt.Errorf("the brand's logo is of type %q, want one of %q", b.LogoType, logoTypes)
	}
	return nil
}

// brand is what a page links to.
type brand struct {
	Style, Logo template.URL
	LogoText    string
}

// light keeps a page light: what the browser chose for the shared colors goes back.
const light = ":root { color-scheme: light; }\n"

// style is what the brand's stylesheet is served as.
func brandStyle(b plug.Brand) []byte {
	if b.LightOnly && b.Stylesheet != "" {
		return []byte(light + b.Stylesheet)
	}
	return []byte(b.Stylesheet)
}

func (p *Pages) branding(ctx context.Context, pool, clientID string) (plug.Brand, error) {
	if p.Brands == nil {
		return plug.Brand{}, nil
	}
	b, err := p.Brands.Brand(ctx, pool, clientID)
	if err == nil {
		err = CheckBrand(b)
	}
	return b, err
}

// loadBrand finds the look of a client's pages.
func (v *visit) loadBrand(clientID string) error {
	b, err := v.branding(v.r.Context(), v.place.Pool, clientID)
	if err != nil {
		return err
	}
	if style := brandStyle(b); len(style) > 0 {
		v.brand.Style = asset(v.place.Base, brandStylePath, clientID, style)
	}
	if len(b.Logo) > 0 {
		v.brand.Logo, v.brand.LogoText = asset(v.place.Base, brandLogoPath, clientID, b.Logo), b.LogoText
	}
	return nil
}

// LogoURL is the address of the logo that Brands has for a client, below the
// address of the pool's pages.
func LogoURL(base, clientID string, logo []byte) string {
	return string(asset(base, brandLogoPath, clientID, logo))
}

// asset is the address of a client's asset. The version in it changes with what
// is there, so that browsers may keep it.
func asset(base, path, clientID string, data []byte) template.URL {
	query := url.Values{"client_id": {clientID}, "v": {version(data)}}
	return template.URL(base + path + "?" + query.Encode())
}

func version(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

var styleVersion = sync.OnceValue(func() string { return version(style()) })

func styleURL(base string) template.URL {
	return template.URL(base + StylePath + "?v=" + styleVersion())
}

// serveAsset answers if the path is an asset's.
func (p *Pages) serveAsset(w http.ResponseWriter, r *http.Request, place Place, path string) bool {
	var data []byte
	media := "text/css; charset=utf-8"
	switch path {
	case StylePath:
		data = style()
	case brandStylePath, brandLogoPath:
		b, err := p.branding(r.Context(), place.Pool, r.URL.Query().Get("client_id"))
		if err != nil {
			p.Logger.WarnContext(r.Context(), "a brand cannot be shown", "pool", place.Pool, "error", err)
		} else if data = brandStyle(b); path == brandLogoPath {
			data, media = b.Logo, b.LogoType
		}
	default:
		return false
	}
	p.writeAsset(w, r, data, media)
	return true
}

func (p *Pages) writeAsset(w http.ResponseWriter, r *http.Request, data []byte, media string) {
	h := w.Header()
	header(h, false)
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		p.Note(r.Context(), "method_not_allowed")
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
	case len(data) == 0:
		p.Note(r.Context(), "not_found")
		w.WriteHeader(http.StatusNotFound)
	default:
		if r.URL.Query().Get("v") == version(data) {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		h.Set("Content-Type", media)
		_, _ = w.Write(data)
	}
}
