// Command latchkey keeps you signed in, and runs the service that you sign in
// to while you develop.
//
//	latchkey up                 start a local service with a demo user
//	latchkey login demo         sign in to it
//	latchkey token              print a fresh access token, for scripts
//
// `latchkey help` tells the rest. Everything it does is in internal/cli.
package main

import (
	"os"

	"github.com/latchkey-auth/latchkey/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
