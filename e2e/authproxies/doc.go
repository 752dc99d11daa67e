// Package authproxies tests proxies that sign users in at the service and pass them on to
// an application: Apache with mod_auth_openidc, and oauth2-proxy.
//
// e2e/run installs the one and builds the other, once, into the user's cache folder.
// Without them the tests are skipped, and fail under CI=true.
package authproxies
