// Package docs has tests of the code in the README and the guide: each Go block is compiled,
// and each block of shell commands is run against a service of its own.
package docs
