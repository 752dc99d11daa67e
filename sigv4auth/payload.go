package sigv4auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
)

// checkPayload checks the signature together with the body. Where the request
// declares the body's hash, the signature is checked first, so that only bodies
// of callers who proved themselves are read.
func (a *Auth) checkPayload(r *http.Request, s *sigv4.Signature, key secret.String) *Error {
	declared := s.DeclaredPayload
	switch {
	case declared == "":
		return a.checkUndeclared(r, s, key)
	case declared == sigv4.UnsignedPayload:
		if !a.mayBeUnsigned(r) {
			return wrongSignature("UNSIGNED-PAYLOAD is not accepted here; sign the hash of the body.")
		}
		return matches(r, s, declared, key)
	case strings.HasPrefix(declared, "STREAMING-"):
		return malformed("Streaming signatures (aws-chunked) are not accepted here; sign the hash of the whole body.")
	case !isHash(declared):
		return malformed("X-Amz-Content-Sha256 must be the SHA-256 of the body in 64 small hexadecimal digits.")
	}
	if refusal := matches(r, s, declared, key); refusal != nil {
		return refusal
	}
	body, refusal := a.readBody(r)
	if refusal != nil {
		return refusal
	}
	if hashOf(body) != declared { // both are known to the caller: no need for constant time
		return wrongSignature("The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return nil
}

// checkUndeclared is for requests that do not say what was signed for the body:
// its hash, as most services have it, or nothing, as presigned URLs of S3 do.
func (a *Auth) checkUndeclared(r *http.Request, s *sigv4.Signature, key secret.String) *Error {
	if s.Presigned && a.mayBeUnsigned(r) && matches(r, s, sigv4.UnsignedPayload, key) == nil {
		return nil
	}
	body, refusal := a.readBody(r)
	if refusal != nil {
		return refusal
	}
	return matches(r, s, hashOf(body), key)
}

func matches(r *http.Request, s *sigv4.Signature, payload string, key secret.String) *Error {
	if s.Matches(r, payload, key) != nil {
		return mismatch()
	}
	return nil
}

// mayBeUnsigned reports whether the body may go unsigned: where that is the
// configuration, or where there is none in a request that should have none.
func (a *Auth) mayBeUnsigned(r *http.Request) bool {
	if a.config.AllowUnsignedPayload {
		return true
	}
	empty := r.Body == nil || r.Body == http.NoBody
	return empty && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// readBody reads the body and puts it back.
func (a *Auth) readBody(r *http.Request) ([]byte, *Error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > a.config.MaxBody {
		return nil, tooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, a.config.MaxBody+1))
	if err != nil {
		return nil, unreadable()
	}
	if int64(len(body)) > a.config.MaxBody {
		return nil, tooLarge()
	}
	r.Body = io.NopCloser(bytes.NewReader(body)) // the server closes its own
	return body, nil
}

func isHash(text string) bool {
	return len(text) == 2*sha256.Size && strings.Trim(text, "0123456789abcdef") == ""
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
