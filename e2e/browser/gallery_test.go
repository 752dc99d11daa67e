package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxPicture bounds a picture in the repository.
const maxPicture = 160 << 10

// unreadable finds text whose contrast with what is behind it is below 4.5 to 1
// (WCAG 2.2, section 1.4.3), from the colors that the browser worked out.
const unreadable = `(() => {
	const parse = c => (c.match(/[\d.]+/g) || []).map(Number);
	const light = c => {
		const [r, g, b] = c.map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = e => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
		}
		return [255, 255, 255];
	};
	const bad = [];
	let seen = 0;
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement;
		if (!walker.currentNode.data.trim() || e.tagName === 'SCRIPT' || !e.checkVisibility()) continue;
		seen++;
		const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(behind(e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) bad.push(walker.currentNode.data.trim() + ': ' + ratio.toFixed(2));
	}
	if (seen < 3) bad.push('only ' + seen + ' texts seen');
	return bad.join('; ');
})()`

// overflow says what is wider than the window, and which controls are too small
// to hit (WCAG 2.2, section 2.5.8).
const overflow = `(() => {
	const bad = [];
	if (document.documentElement.scrollWidth > innerWidth) bad.push('the page is ' + document.documentElement.scrollWidth + ' wide');
	for (const e of document.querySelectorAll('button, input:not([type=hidden]), nav a')) {
		const box = e.getBoundingClientRect();
		if (e.checkVisibility() && (box.width < 24 || box.height < 24)) bad.push(e.outerHTML.slice(0, 80) + ' is ' + box.width + ' by ' + box.height);
	}
	return bad.join('; ');
})()`

// look looks at a page light and dark, on a desktop and a phone, and keeps three
// pictures in the folder that LATCHKEY_IMAGES names, if it names one.
func (tab *Tab) look(name string) {
	tab.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, device := range []string{"desktop", "phone"} {
			tab.Look(scheme, device == "phone")
			what := name + "-" + scheme + "-" + device
			if bad := Evaluate[string](tab, unreadable); bad != "" {
				tab.t.Errorf("%s: %s", what, bad)
			}
			if bad := Evaluate[string](tab, overflow); bad != "" {
				tab.t.Errorf("%s: %s", what, bad)
			}
			switch {
			case device == "desktop":
				tab.keep(name + "-" + scheme)
			case scheme == "light":
				tab.keep(name + "-phone")
			}
		}
	}
	tab.Look("light", false)
}

func (tab *Tab) keep(what string) {
	tab.t.Helper()
	picture := tab.Picture()
	if len(picture) > maxPicture {
		tab.t.Errorf("the picture of %s has %d bytes", what, len(picture))
	}
	folder := os.Getenv("LATCHKEY_IMAGES")
	if folder == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, what+".png"), picture, 0o644); err != nil {
		tab.t.Fatal(err)
	}
}

// TestGallery sees every page, in the three languages between them.
func TestGallery(t *testing.T) {
	s := newSite(t)
	s.invite("new")
	tab := Open(t)
	tab.Look("light", false)
	tab.Go(s.address("/login"))
	tab.look("sign-in")
	tab.Fill("username", "ann")
	tab.Fill("password", "not it")
	tab.Press(".submit")
	tab.look("wrong-password")
	tab.Press("ul.ways a")
	tab.look("sign-up")
	tab.Fill("username", "ann")
	tab.Fill("attribute.email", "ann@example.com")
	tab.Fill("attribute.given_name", "Ann")
	tab.Fill("new_password", "correct-horse-9")
	tab.Press(".submit")
	tab.look("weak-password")
	tab.Fill("new_password", password)
	tab.Press(".submit")
	tab.shows("Confirm your account")
	tab.look("confirm")
	tab.Go(s.address("/forgotPassword", "lang", "de"))
	tab.look("forgot-password")
	tab.Fill("username", "ann")
	tab.Press(".submit")
	tab.shows("Neues Passwort setzen")
	tab.look("confirm-forgot-password")
	tab.Go(s.address("/login", "lang", "fr"))
	tab.Fill("username", "new")
	tab.Fill("password", password)
	tab.Press(".submit")
	tab.shows("Choisir un nouveau mot de passe")
	tab.look("new-password")
	tab.Go(strings.Split(s.address("/signOut"), "?")[0])
	tab.shows("Sign out?")
	tab.look("sign-out")
	tab.Press(".submit")
	tab.shows("You are signed out")
	tab.Go(strings.Split(s.address("/signedOut"), "?")[0])
	tab.shows("You are signed out")
	tab.look("signed-out")
	tab.quiet()
	tab.Go(s.address("/login", "redirect_uri", "https://elsewhere.example/"))
	tab.shows("This did not work")
	tab.look("error")
	tab.Go(strings.Split(s.address("/nothing/here"), "?")[0])
	tab.shows("This did not work")
	tab.look("not-found")
}
