// Package cli is the command latchkey: one file per command, and under ui what
// is shown and asked on a terminal.
//
// # Streams
//
// Standard output carries data and nothing else, so that it can be piped: the
// answer for people, or with --json one JSON object on one line. Standard error
// carries errors, hints and logs. Questions go to the terminal itself, where
// there is one, so that they work with both streams redirected.
//
// An error is one line, "latchkey: what happened", and what to do about it on
// "hint:" lines below. No error, hint or log holds a password or a token.
//
// # Exit codes
//
//	0  done
//	1  failed
//	2  wrong usage, or a configuration that cannot be read
//	3  signed out, or the session has expired
//	4  the network or the service could not be reached
//
//	130  interrupted by SIGINT or SIGTERM
//
// # Start-up
//
// A script may run `latchkey token` before each request, so a command sets up
// only what it uses: no variable of these packages is computed when the program
// starts, the configuration is read when a command asks for its client, and
// neither certificates nor connections are touched before a request is made.
package cli
