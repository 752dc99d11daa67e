package wiretap

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
)

// noChecks takes the check of the input away, so that the SDK reads a recorded
// error whatever had been asked.
func noChecks(on bool) []func(*middleware.Stack) error {
	if !on {
		return nil
	}
	return []func(*middleware.Stack) error{func(s *middleware.Stack) error {
		_, _ = s.Initialize.Remove("OperationInputValidation") // some have none
		return nil
	}}
}

// recorded signs what never leaves this process.
var recorded = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "recorded", SecretAccessKey: "recorded"}, nil
})
