// Package examples holds the samples of Amplify's guides that need AWS credentials,
// as Go programs with clients of aws-sdk-go-v2: listing a bucket in S3, a table in
// DynamoDB, a call of an API that AWS's IAM guards, and a guest. They stand here and
// not beside package cognitocreds, so that the library does not depend on the
// services' modules. The tests run them against local stand-ins of the services that
// check whose signature it is.
package examples
