// Package verifiers holds the tests with three libraries that verify tokens:
// go-oidc, which finds everything by discovery, golang-jwt and go-jose.
package verifiers
