package plug

import "context"

// Brands looks up the brand of an app client's sign-in pages.
type Brands interface {
	// Brand returns the brand for the ids of a user pool and one of its clients. An error, a
	// panic and a call of more than five seconds show an error page instead of the page. It
	// must be safe for concurrent use.
	Brand(ctx context.Context, poolID, clientID string) (Brand, error)
}

// Brand changes the look of sign-in pages. The zero value changes nothing. A Brand is a
// [Brands] that returns itself for all clients.
type Brand struct {
	// Stylesheet is CSS that follows the pages' own. It can use Cognito's class names, such
	// as submitButton-customizable, and set the pages' custom properties. At most
	// 128 KiB. The content security policy of the pages blocks what it loads from other hosts.
	Stylesheet string
	// LightOnly keeps the pages light when the browser prefers dark ones, for stylesheets
	// without dark colors, such as those that were written for Cognito.
	LightOnly bool
	// Logo is an image of media type LogoType (PNG, JPEG, GIF, WebP or SVG), at most
	// 100 KiB. LogoText is its alternative text; leave it empty for a decorative image.
	Logo     []byte
	LogoType string
	LogoText string
}

// Brand returns b.
func (b Brand) Brand(context.Context, string, string) (Brand, error) { return b, nil }
