// Package admin administers user pools: pools, app clients, domains, resource servers,
// identity providers with the links to them, tags and the looks of the sign-in pages.
//
// A setting that protects users is enforced by the service or refused here by name; others
// are stored and shown as they came.
package admin
