// Package accounts keeps the users of a pool: signing up, recovering and changing
// passwords, a user's own attributes, and the administration of users and groups.
//
// Where a client hides whether users exist, an operation does the same work and gives
// an answer of the same shape for an unknown name.
package accounts
