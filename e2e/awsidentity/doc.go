// Package awsidentity runs aws-sdk-go-v2's client of the identity pool API,
// unchanged, against a running `latchkey up`: every operation that the service
// offers, signed where Cognito wants that, with the exceptions by their types.
// Every exchange is compared with the shapes of the SDK (package wiretap).
package awsidentity
