// Package browser drives Chromium against `latchkey up`: the sign-in pages as
// people see and use them. [Tab] is what its tests stand on.
package browser
