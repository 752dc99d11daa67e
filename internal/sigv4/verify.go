package sigv4

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

// Errors of [Verifier.Verify], [Read] and [Signature]. Each comes wrapped in a
// text that says which part was at fault and never repeats a signature or a key.
var (
	ErrMissing    = errors.New("request is not signed")                 // MissingAuthenticationTokenException
	ErrIncomplete = errors.New("authorization is incomplete")           // IncompleteSignatureException
	ErrUnknownKey = errors.New("access key is not known")               // UnrecognizedClientException
	ErrSignature  = errors.New("signature does not match")              // InvalidSignatureException
	ErrExpired    = errors.New("signature is too old or not yet valid") // InvalidSignatureException

	// ErrService is an ErrSignature: the request is signed for another service.
	ErrService error = otherService{}
)

type otherService struct{}

func (otherService) Error() string {
	return ErrSignature.Error() + ": credential is scoped to another service"
}
func (otherService) Unwrap() error { return ErrSignature }

const (
	// DefaultSkew is how far the date of a request may be from now.
	DefaultSkew = 5 * time.Minute

	// MaxSkew is AWS's own bound, and that of any skew given here.
	MaxSkew = 15 * time.Minute
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

// Verify checks the signature of r, whose body was read into body. Presigned
// URLs count as not signed.
//
// The signature must cover the host, X-Amz-Date and every other X-Amz- header;
// X-Amz-Content-Sha256, if present, must be the body's hash; the date must be near the
// verifier's clock and on the day of the scope. Content-Type need not be signed, as with
// AWS: the AWS SDK for JavaScript 2 and aws4fetch do not sign it, and what it says about
// the body is checked by the operation. The comparison takes the same time whatever the
// signature.
func (v *Verifier) Verify(r *http.Request, body []byte) (Identity, error) {
	s := &Signature{unsignedType: true}
	err := s.readHeader(r)
	if err == nil {
		err = s.oneReading(r)
	}
	if err != nil {
		return Identity{}, err
	}
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	if err := s.Fresh(now(), cmp.Or(v.Skew, DefaultSkew)); err != nil {
		return Identity{}, err
	}
	if !slices.Contains(v.Services, s.Service) {
		return Identity{}, ErrService
	}
	key, ok := v.Lookup(s.AccessKeyID)
	if !ok || key.IsZero() {
		return Identity{}, ErrUnknownKey
	}
	hash := hashOf(body)
	if declared := s.DeclaredPayload; declared != "" && declared != hash {
		return Identity{}, fmt.Errorf("%w: %s is not the hash of the body", ErrSignature, hashHeader)
	}
	if err := s.Matches(r, hash, key); err != nil {
		return Identity{}, err
	}
	return Identity{
		AccessKeyID: s.AccessKeyID, Region: s.Region, Service: s.Service,
		SignedAt: s.SignedAt, SessionToken: s.SessionToken,
	}, nil
}
