// Package plug holds the types that a program and the service exchange, for the
// parts of the service that a program brings itself. Package server and the packages
// below it both name them.
package plug
