// Package cognito calls Amazon Cognito, or a service that speaks its protocol, and
// says what the answers mean.
//
//	Endpoint.Call ─ AWS JSON 1.1 ─┐
//	Endpoint.Submit ─ form ───────┴▶ one HTTP round trip ─▶ classify ─▶ *fault.Fault
//
// Only a closed list of answers ends a session: status 400 with a JSON body and the
// exact name of an exception, on a refresh. Timeouts, proxies, outages and names
// that are not known leave the session as it is.
package cognito
