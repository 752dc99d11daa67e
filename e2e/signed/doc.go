// Package signed has an API behind sigv4auth called by programs that sign by
// themselves, with credentials of a running service's own broker: aws-sdk-go-v2's
// signer and S3 client, botocore, curl, the AWS CLI.
package signed
