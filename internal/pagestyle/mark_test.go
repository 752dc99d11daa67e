package pagestyle

import (
	"encoding/xml"
	"html"
	"html/template"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/contrast"
)

// TestIcon: a template writes the icon as the address of a well-formed image in the
// accent color, and the mark as markup.
func TestIcon(t *testing.T) {
	t.Parallel()
	page := template.Must(template.New("page").Funcs(Functions()).Parse(`<link rel="icon" href="{{icon}}">|<g>{{mark}}</g>`))
	var text strings.Builder
	if err := page.Execute(&text, nil); err != nil {
		t.Fatal(err)
	}
	link, drawn, _ := strings.Cut(html.UnescapeString(text.String()), "|")
	if drawn != "<g>"+mark+"</g>" {
		t.Errorf("the mark is %s", drawn)
	}
	address, ok := strings.CutPrefix(strings.TrimSuffix(link, `">`), `<link rel="icon" href="data:image/svg+xml,`)
	if !ok {
		t.Fatalf("the icon is %s", link)
	}
	image, err := url.PathUnescape(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal([]byte(image), new(struct{})); err != nil {
		t.Errorf("the icon %s: %v", image, err)
	}
	if accent := contrast.Palette(base)["accent"][0]; !strings.Contains(image, `fill="`+accent+`"`) {
		t.Errorf("the icon %s is not in the accent color %s", image, accent)
	}
}
