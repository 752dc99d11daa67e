// Package awscli holds the tests with Debian's AWS CLI, which knows neither of
// Latchkey nor of GetTokensFromRefreshToken: it signs, asks and reads as it does
// with AWS, pointed at the service by --endpoint-url.
package awscli
