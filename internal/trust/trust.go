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

// Pool returns the system's authorities and those of a PEM file. Where the system
// has none, it returns the file's alone.
func Pool(path string) (*x509.CertPool, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", path)
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
