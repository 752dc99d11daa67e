// Package loopback brings the answer of a sign-in in the browser to a program on the
// same machine: [Browse] opens the sign-in pages, and a [Listener] on a loopback address
// takes the answer and shows a page that says how the sign-in ended.
package loopback
