// Package s3 puts a real S3 server behind the identity pool: MinIO, which trusts
// the pool's OpenID tokens and speaks AssumeRoleWithWebIdentity. Whoever is signed
// in gets credentials that MinIO honors; guests get none.
//
// e2e/run s3 builds MinIO once, into the user's cache folder. Without it the tests
// are skipped aloud, and fail under CI=true.
package s3
