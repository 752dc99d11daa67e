// Package hosted serves the pages on which people sign in with a browser.
//
// Pages are plain HTML forms, made here from one template, one stylesheet and a
// script of a few lines that nothing depends on; all of it is in the binary. What
// a page is about, and whether a password is right, others say: [Flow] reads the
// authorization request that every page carries in its query, [Door] judges
// passwords, [Accounts] has the account flows. The package keeps no state: what
// one step knows goes into the form of the next.
//
//	/login ──── right password ───────────────────────────▶ Flow.Finish
//	  │ ├────── password must be changed ─▶ /newPassword ──▶ Flow.Finish
//	  │ ├────── not confirmed: code sent ─▶ /confirmUser ──▶ /login
//	  │ └────── reset required ───────────▶ /forgotPassword
//	  ├─ /signup ─────────── code sent ───▶ /confirmUser ──▶ /login
//	  └─ /forgotPassword ─── code sent ───▶ /confirmforgotPassword ──▶ /login
//	/error, and the page of those who signed out, lead nowhere.
//
// The query travels from page to page as it came, in links and form actions; no
// page takes an address to go to from it. An answer has no more to fear from what
// is in it than from plain text: html/template escapes by context, the policy
// (Content-Security-Policy, Level 3) allows neither inline style nor script but the
// one whose hash it names, and forms are posted by pages of the same origin only.
//
// Texts are in lang/, one file per language; a test holds them complete.
package hosted
