// Package trust reads files of certificate authorities: one loader for the
// library and the command.
package trust

import (
	"crypto/x509"
	"fmt"
	"io"
	"os"
)

// maxFile bounds a file of authorities in bytes. The whole of Mozilla's list has
// about 230 KB; companies add theirs to it.
const maxFile = 4 << 20

// FileError is the error of a file of authorities, whose text is the same for the library
// and the command. It is a mistake of the configuration, also when it comes with the first
// call of a transport that reads the file late.
type FileError struct{ Err error }

// Error returns "read certificate authorities: cause".
func (e *FileError) Error() string { return "read certificate authorities: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// Pool returns the system's authorities and those of a PEM file. Where the system
// has none, it returns the file's alone. Errors are *FileError.
func Pool(path string) (*x509.CertPool, error) {
	data, err := read(path)
	if err != nil {
		return nil, &FileError{err}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, &FileError{fmt.Errorf("%s holds no certificate in PEM form", path)}
	}
	return roots, nil
}

// read returns a file of at most maxFile bytes.
func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return data, nil
}
