// Package profiles has tests of the ways in which the command gives AWS credentials to other
// programs: profiles of `credentials --install` and the endpoint of `exec`, with
// aws-sdk-go-v2, botocore and the AWS CLI.
package profiles
