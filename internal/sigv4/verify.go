package sigv4

import (
	"cmp"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

// Errors of [Verifier.Verify]. Each comes wrapped in a text that says which part
// was at fault and never repeats a signature or a key.
var (
	ErrMissing    = errors.New("request is not signed")                 // MissingAuthenticationTokenException
	ErrIncomplete = errors.New("authorization header is incomplete")    // IncompleteSignatureException
	ErrUnknownKey = errors.New("access key is not known")               // UnrecognizedClientException
	ErrSignature  = errors.New("signature does not match")              // InvalidSignatureException
	ErrExpired    = errors.New("signature is too old or not yet valid") // InvalidSignatureException
)

const (
	// DefaultSkew is how far the date of a request may be from now.
	DefaultSkew = 5 * time.Minute

	maxSkew          = 15 * time.Minute // AWS's own bound
	maxAuthorization = 4096             // bytes of the Authorization header
	maxSignedHeaders = 64
	maxQuery         = 8192
	signatureBytes   = 32
)

// Verifier checks signatures. Its fields are read only, so one verifier may
// serve any number of goroutines if Lookup and Now may.
type Verifier struct {
	// Lookup finds the secret of an access key.
	Lookup func(accessKeyID string) (secret.String, bool)

	// Services lists the signing names that are accepted, such as "cognito-idp".
	Services []string

	// Skew is how far the date of a request may be from now, in either
	// direction: DefaultSkew when zero, and never more than 15 minutes.
	Skew time.Duration

	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Identity is who signed a request, and for what. A service that hands out
// temporary keys has to compare SessionToken with the one it issued: the
// signature covers it but does not prove it.
type Identity struct {
	AccessKeyID  string
	Region       string
	Service      string
	SignedAt     time.Time
	SessionToken secret.String
}

// Verify checks the signature of r, whose body was read into body.
//
// The signature must cover the host, X-Amz-Date, every other X-Amz- header and
// Content-Type; X-Amz-Content-Sha256, if present, must be the body's hash; the
// date must be near the verifier's clock and on the day of the scope. The
// comparison takes the same time whatever the signature.
func (v *Verifier) Verify(r *http.Request, body []byte) (Identity, error) {
	a, err := readAuthorization(r.Header)
	if err != nil {
		return Identity{}, err
	}
	if err := a.covers(r); err != nil {
		return Identity{}, err
	}
	at, err := v.date(r.Header, a.scope)
	if err != nil {
		return Identity{}, err
	}
	if !slices.Contains(v.Services, a.scope.service) {
		return Identity{}, fmt.Errorf("%w: credential is scoped to another service", ErrSignature)
	}
	key, ok := v.Lookup(a.accessKeyID)
	if !ok || key.IsZero() {
		return Identity{}, ErrUnknownKey
	}
	if err := a.matches(r, body, key); err != nil {
		return Identity{}, err
	}
	return Identity{
		AccessKeyID: a.accessKeyID, Region: a.scope.region, Service: a.scope.service,
		SignedAt: at, SessionToken: secret.New(r.Header.Get(tokenHeader)),
	}, nil
}

// date checks X-Amz-Date against the clock and against the day of the scope.
func (v *Verifier) date(header http.Header, s scope) (time.Time, error) {
	sent := header.Get(dateHeader)
	at, err := time.Parse(timeFormat, sent)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: X-Amz-Date is not of the form YYYYMMDD'T'HHMMSS'Z'", ErrIncomplete)
	}
	if at.Format(dayFormat) != s.day {
		return time.Time{}, fmt.Errorf("%w: X-Amz-Date is not on the day of the credential's scope", ErrSignature)
	}
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	skew := min(cmp.Or(v.Skew, DefaultSkew), maxSkew)
	if off := now().Sub(at); off > skew || off < -skew {
		return time.Time{}, fmt.Errorf("%w: X-Amz-Date %s is more than %s from the service's clock", ErrExpired, sent, skew)
	}
	return at, nil
}

// authorization is a parsed Authorization header.
type authorization struct {
	accessKeyID string
	scope       scope
	signed      []string
	signature   []byte
}

// readAuthorization reads
//
//	AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/SERVICE/aws4_request, SignedHeaders=A;B, Signature=HEX
func readAuthorization(header http.Header) (authorization, error) {
	values := header.Values("Authorization")
	if len(values) == 0 || values[0] == "" {
		return authorization{}, ErrMissing
	}
	if len(values) > 1 || len(values[0]) > maxAuthorization {
		return authorization{}, fmt.Errorf("%w: more than one, or longer than %d bytes", ErrIncomplete, maxAuthorization)
	}
	rest, ok := strings.CutPrefix(values[0], algorithm+" ")
	if !ok {
		return authorization{}, fmt.Errorf("%w: the scheme must be %s", ErrIncomplete, algorithm)
	}
	fields, err := readFields(rest)
	if err != nil {
		return authorization{}, err
	}
	return newAuthorization(fields)
}

// readFields splits the three named parts, which may come in any order, once each.
func readFields(text string) (map[string]string, error) {
	fields := make(map[string]string, 3)
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[name]; twice || len(fields) == 3 {
			return nil, fmt.Errorf("%w: a part is repeated or unknown", ErrIncomplete)
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[name] == "" {
			return nil, fmt.Errorf("%w: %s is missing", ErrIncomplete, name)
		}
	}
	return fields, nil
}

func newAuthorization(fields map[string]string) (authorization, error) {
	credential := strings.Split(fields["Credential"], "/")
	if len(credential) != 5 || slices.Contains(credential, "") || credential[4] != terminator {
		return authorization{}, fmt.Errorf("%w: Credential must be KEY/DAY/REGION/SERVICE/%s", ErrIncomplete, terminator)
	}
	signed := strings.Split(fields["SignedHeaders"], ";")
	if len(signed) > maxSignedHeaders || !inOrder(signed) {
		return authorization{}, fmt.Errorf("%w: SignedHeaders must be in small letters, in order, each once", ErrIncomplete)
	}
	signature, err := hex.DecodeString(fields["Signature"])
	if err != nil || len(signature) != signatureBytes {
		return authorization{}, fmt.Errorf("%w: Signature must be %d hexadecimal digits", ErrIncomplete, 2*signatureBytes)
	}
	return authorization{
		accessKeyID: credential[0],
		scope:       scope{day: credential[1], region: credential[2], service: credential[3]},
		signed:      signed,
		signature:   signature,
	}, nil
}

func inOrder(names []string) bool {
	for i, name := range names {
		if name == "" || name != strings.ToLower(name) || i > 0 && names[i-1] >= name {
			return false
		}
	}
	return true
}

// covers checks that what the operation acts on was signed. A header that is
// sent twice is refused where a second value could mean another thing to
// another reader.
func (a authorization) covers(r *http.Request) error {
	for _, name := range append(mustBeSigned(r.Header), "host", strings.ToLower(dateHeader)) {
		if _, found := slices.BinarySearch(a.signed, name); !found {
			return fmt.Errorf("%w: header %s is not signed", ErrSignature, name)
		}
		if len(r.Header.Values(name)) > 1 {
			return fmt.Errorf("%w: header %s is sent more than once", ErrSignature, name)
		}
	}
	if len(r.URL.RawQuery) > maxQuery {
		return fmt.Errorf("%w: the query is longer than %d bytes", ErrSignature, maxQuery)
	}
	return nil
}

// matches recomputes the signature over the request and the real body.
func (a authorization) matches(r *http.Request, body []byte, key secret.String) error {
	hash := hashOf(body)
	if declared := r.Header.Get(hashHeader); declared != "" && declared != hash {
		return fmt.Errorf("%w: %s is not the hash of the body", ErrSignature, hashHeader)
	}
	canonical := canonicalRequest(r, a.signed, hash)
	if !hmac.Equal(a.scope.signature(key, r.Header.Get(dateHeader), canonical), a.signature) {
		return ErrSignature
	}
	return nil
}
