// Package browser drives Chromium against `latchkey up`: the sign-in pages as
// people see and use them, and Amplify's own program (the folder amplify) that signs
// in over them. [Tab] is what its tests stand on.
package browser
