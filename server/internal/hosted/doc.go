// Package hosted serves the pages on which users sign in with a browser.
//
// Pages are plain HTML forms. The package makes them from one template, one stylesheet and
// one short script, which no page needs in order to work; the binary contains all of them.
// The package reads requests and checks passwords through interfaces: [Flow] reads the
// authorization request that every page carries in its query, [Door] checks passwords, and
// [Accounts] performs the operations on accounts. The package stores nothing: what the next
// page shows is a note in the browser ([Memory]).
//
//	/login ──── right password ───────────────────────────▶ Flow.Finish
//	  │ ├────── password must be changed ─▶ /newPassword ──▶ Flow.Finish
//	  │ ├────── not confirmed: code sent ─▶ /confirmUser ──▶ /login
//	  │ └────── reset required ───────────▶ /forgotPassword
//	  ├─ /signup ─────────── code sent ───▶ /confirmUser ──▶ /login
//	  └─ /forgotPassword ─── code sent ───▶ /confirmforgotPassword ──▶ /login
//	/error and /signedOut lead nowhere.
//
// # Parts
//
// A visit (pages.go, next.go, view.go) is one request: it reads the form, shows a page, or
// redirects to the next one. The pages use it:
//
//	signIn       signin.go       the password, and the client's other providers
//	newPassword  newpassword.go  the new password after a temporary one
//	accountStep  accountstep.go  a page for one operation of Accounts: signup.go, forgot.go
//
// fields (fields.go) makes the fields of their forms; an explainer (explain.go) finds the
// field that an exception is about and the text for it.
//
// # Security
//
// The query travels from page to page unchanged, in links and form actions; pages take no
// other address from it. html/template escapes by context. The policy (Content-Security-Policy,
// Level 3) allows no inline style and only the script whose hash it names. Only pages of the
// same origin can post forms.
//
// Texts are in lang/, one file per language; a test checks that each is complete.
package hosted
