// Package awssdk holds the tests with aws-sdk-go-v2: sign-in, refresh and
// sign-out as an application does them, and every administrative operation
// that the service offers, really signed.
//
// Whatever the service answers in these tests is also compared with the SDK's
// shapes, member by member, and in the end the tests ask whether an operation
// is offered that none of them has called.
package awssdk
