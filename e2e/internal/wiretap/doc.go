// Package wiretap watches AWS JSON 1.1 calls and judges them by shapes that are
// not this project's: those of aws-sdk-go-v2, which AWS generates from its own
// model of the API.
//
// A [Tap] is a proxy that records what passes. [CheckRequest] asks whether the
// SDK would have sent the very same body, and [CheckAnswer] whether the SDK
// knows every member of an answer, and can read it.
package wiretap
