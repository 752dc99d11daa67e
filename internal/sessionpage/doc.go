// Package sessionpage is the page that `latchkey up` shows at its root: a small web
// program on our own client and service, which lets a person sign in and then shows
// the session as it lives.
//
// Each browser has a separate session: a random cookie names a visitor, and a
// visitor is a [latchkey.Client] over memory. Signing in goes by user name and
// password on the page itself, or by the service's sign-in pages and back; both end
// in the same client. Nothing is kept on disk, and no token, secret key or password
// stands in the page: it shows claims, times and masked ids. Its copy button asks for a token.
//
//	page.go      the routes, and the page itself; guard.go: which requests it accepts
//	forms.go     what every form goes through
//	visitors.go  which cookie is whose; who has to go when there are too many
//	visitor.go   one browser's client and its events
//	revoked.go   hearing of sessions that ended elsewhere
//	signin.go    user name and password, and the challenges that may follow
//	redirect.go  the sign-in pages, and the way back from them
//	actions.go   refresh, guest, sign out, sign out everywhere
//	copy.go      the one answer with a token, for the clipboard
//	look.go      what the client knows, as the template shows it; claims.go, words.go
//	stream.go    the same, sent again in parts whenever it changes (server-sent events)
//
// The page works without its script, by forms and redirects; the script lets bars
// shrink, follows the stream and puts the parts it brings in their places. They are
// made by the same template as the page, so that there is one way to draw a thing.
//
// The page is for the user of this machine. It is served under names of the loopback
// interface only, so that a web page cannot reach it by another name (DNS rebinding),
// and accepts forms from its own pages only.
package sessionpage
