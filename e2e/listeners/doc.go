// Package listeners holds the tests of the service's two doors: https with the
// certificate of the local authority, and http as browsers call it from pages of
// other origins. It also starts the service a second time on the same folder.
package listeners
