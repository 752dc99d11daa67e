// Package client watches what this project's own client sends and is sent.
//
// Client and service share the code that reads and writes the wire, so that they
// would agree on a mistake. Here the library and the command talk to the service
// through a [wiretap.Tap], and everything that passed is judged by the shapes of
// aws-sdk-go-v2.
package client
