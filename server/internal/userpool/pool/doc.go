// Package pool holds what the flows of user pools share: looking up pools, clients and
// users, their settings, names and attributes, passwords, codes and the rows of sessions.
// It imports no flow.
//
// A [Base] has one part for each concern: [Pools] finds rows and decodes settings,
// [Passwords] finds the user of a typed name and verifies passwords, [Codes] makes codes and
// sends messages, [Sessions] writes and ends sessions. The parts do not use each other.
// [Settings], [ClientSettings] and [App] are values that callers must not change.
//
// # Judging a password
//
// There are three steps, in this order. The attempt is counted, durably, before anything
// is compared, so that fifty guesses at once count as fifty. Then the proof is checked.
// Only after a right proof the state of the account matters: disabled, unconfirmed, reset
// required. A caller without the password learns nothing about the account, and for a
// user who does not exist the same work is done on a made-up verifier.
package pool
