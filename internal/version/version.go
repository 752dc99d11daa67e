// Package version has the version of this module.
package version

// Number is the version, as the client's X-Amz-User-Agent and the command show it.
const Number = "0.1.0"
