package admin_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/internal/userpool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/admin"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pooltest"
)

// pictures are logos of each kind that there is, by media type.
func pictures(t *testing.T) map[string][]byte {
	t.Helper()
	made := map[string][]byte{}
	picture := image.NewPaletted(image.Rect(0, 0, 8, 4), color.Palette{color.Black, color.White})
	for kind, encode := range map[string]func(io.Writer) error{
		"image/png":  func(w io.Writer) error { return png.Encode(w, picture) },
		"image/jpeg": func(w io.Writer) error { return jpeg.Encode(w, picture, nil) },
		"image/gif":  func(w io.Writer) error { return gif.Encode(w, picture, nil) },
	} {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		made[kind] = b.Bytes()
	}
	return made
}

func TestLogoType(t *testing.T) {
	t.Parallel()
	for kind, data := range pictures(t) {
		if got, err := admin.LogoType(data); got != kind || err != nil {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
	}
	if got, err := admin.LogoType(nil); got != "" || err != nil {
		t.Errorf("no logo: %q, %v", got, err)
	}
	picture, wide := pictures(t)["image/png"], bytes.Clone(pictures(t)["image/gif"])
	wide[6], wide[7] = 0x01, 0x20 // the width in the header: 8,193
	for name, test := range map[string]struct {
		data []byte
		text string
	}{
		"SVG":         {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "not a PNG"},
		"HTML":        {[]byte(`<html><script>alert(1)</script>`), "not a PNG"},
		"a script":    {[]byte(`GIF89a=1;alert(1)`), "pixels"}, // a script can begin like a GIF's header
		"WebP":        {[]byte("RIFF\x00\x00\x00\x00WEBPVP8 "), "not a PNG"},
		"a signature": {picture[:8], "not a PNG"},
		"too wide":    {wide, "is 8193 by 4 pixels"},
		"too many":    {append(bytes.Clone(picture), make([]byte, admin.MaxLogo)...), "at most 102400"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := admin.LogoType(test.data)
			wiretest.WantException(t, err, wire.InvalidParameterException, test.text)
		})
	}
}

// TestUICustomization: whose look a client's pages have, and what the answers say.
func TestUICustomization(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t, func(config *userpool.Config) {
		config.Admin.LogoURL = func(pool, client string, logo []byte) string { return "https://x.example/" + pool + "/" + client }
	})
	ctx, id := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{})
	app := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id}).ClientId
	other := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: id, ClientName: "other"}).ClientId
	set := func(client, css string, logo []byte) *wire.UICustomizationType {
		t.Helper()
		return pooltest.Must(c.Admin.SetUICustomization(ctx, &wire.SetUICustomizationRequest{UserPoolId: id, ClientId: client, CSS: css, ImageFile: logo}))(t).UICustomization
	}
	get := func(client string) *wire.UICustomizationType {
		t.Helper()
		return pooltest.Must(c.Admin.GetUICustomization(ctx, &wire.GetUICustomizationRequest{UserPoolId: id, ClientId: client}))(t).UICustomization
	}
	for name, err := range map[string]error{
		"set": pooltest.ErrorOf(c.Admin.SetUICustomization(ctx, &wire.SetUICustomizationRequest{UserPoolId: id})),
		"get": pooltest.ErrorOf(c.Admin.GetUICustomization(ctx, &wire.GetUICustomizationRequest{UserPoolId: id})),
	} {
		t.Run(name, func(t *testing.T) {
			wiretest.WantException(t, err, wire.InvalidParameterException, admin.MessageNoDomain)
		})
	}
	pooltest.Must(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "acme", UserPoolId: id}))(t)
	if got := get(app); *got != (wire.UICustomizationType{}) {
		t.Errorf("before anything was set: %+v", got)
	}

	const allCSS, ownCSS = ".label-customizable{color:red}", ".label-customizable{color:blue}"
	logo := pictures(t)["image/png"]
	all := set("", allCSS, logo)
	want := &wire.UICustomizationType{
		UserPoolId: id, ClientId: "ALL", CSS: allCSS, CSSVersion: "20261120120000", ImageUrl: "https://x.example/" + id + "/ALL",
		CreationDate: wire.NewTime(c.Base.Now()), LastModifiedDate: wire.NewTime(c.Base.Now()),
	}
	for what, got := range map[string]*wire.UICustomizationType{"the answer": all, "all": get("ALL"), "no client": get(""), "a client without one": get(app)} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	c.Advance(time.Minute)
	own := set(app, ownCSS, nil)
	if own.ClientId != app || own.ImageUrl != "" || own.CSSVersion != "20261120120100" {
		t.Errorf("the client's: %+v", own)
	}
	if got := get(other); got.CSS != allCSS {
		t.Errorf("the other client's: %+v", got)
	}
	look, err := c.Admin.Look(ctx, id, app)
	if diff := cmp.Diff(admin.Look{Stylesheet: ownCSS}, look); diff != "" || err != nil {
		t.Errorf("the pages' look: %v\n%s", err, diff)
	}
	c.Advance(time.Minute)
	if got := set(app, "", logo); got.CSS != "" || got.ImageUrl == "" || got.CreationDate != own.CreationDate || got.LastModifiedDate == own.LastModifiedDate {
		t.Errorf("replaced: %+v", got) // what is left out is gone
	}
	if got := set(app, "", nil); *got != (wire.UICustomizationType{}) {
		t.Errorf("reset: %+v", got)
	}
	if got := get(app); got.ClientId != "ALL" {
		t.Errorf("after the reset: %+v", got)
	}
	set("ALL", "", nil)
	if look, err := c.Admin.Look(ctx, id, app); look.Stylesheet != "" || look.Logo != nil || err != nil {
		t.Errorf("after all was reset: %+v, %v", look, err)
	}
}

func TestUICustomizationRefuses(t *testing.T) {
	t.Parallel()
	c := pooltest.New(t)
	ctx, id, far := t.Context(), c.Pool(t, wire.CreateUserPoolRequest{}), c.Pool(t, wire.CreateUserPoolRequest{})
	pooltest.Must(c.Admin.CreateUserPoolDomain(ctx, &wire.CreateUserPoolDomainRequest{Domain: "acme", UserPoolId: id}))(t)
	stranger := c.Client(t, wire.CreateUserPoolClientRequest{UserPoolId: far}).ClientId
	for name, in := range map[string]wire.SetUICustomizationRequest{
		"another pool's client": {UserPoolId: id, ClientId: stranger, CSS: ".label-customizable{color:red}"},
		"an unknown client":     {UserPoolId: id, ClientId: "nobody"},
		"an unknown pool":       {UserPoolId: "us-east-1_NoSuchOne"},
	} {
		_, err := c.Admin.SetUICustomization(ctx, &in)
		wiretest.WantException(t, err, wire.ResourceNotFoundException, "")
		if err == nil {
			t.Error(name)
		}
		_, err = c.Admin.GetUICustomization(ctx, &wire.GetUICustomizationRequest{UserPoolId: in.UserPoolId, ClientId: in.ClientId})
		wiretest.WantException(t, err, wire.ResourceNotFoundException, "")
	}
	for text, in := range map[string]wire.SetUICustomizationRequest{
		"CSS is not valid":     {CSS: "body{}"},
		"not a PNG":            {ImageFile: []byte("<svg/>")},
		"at 'cSS' failed":      {CSS: strings.Repeat(" ", 131073)},
		"at 'imageFile' faile": {ImageFile: make([]byte, 131073)},
	} {
		in.UserPoolId = id
		err := wire.Validate(&in)
		if err == nil {
			_, err = c.Admin.SetUICustomization(ctx, &in)
		}
		wiretest.WantException(t, err, wire.InvalidParameterException, text)
	}
	for _, ids := range [][2]string{{"\xff", "x"}, {id, "\xff"}, {"", ""}, {id, ""}, {id, "' OR 1=1"}} {
		if look, err := c.Admin.Look(ctx, ids[0], ids[1]); look.Stylesheet != "" || err != nil {
			t.Errorf("look of %q: %+v, %v", ids, look, err)
		}
	}
}
