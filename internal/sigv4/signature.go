package sigv4

import (
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

const (
	// UnsignedPayload stands for the hash of a body that is not signed.
	UnsignedPayload = "UNSIGNED-PAYLOAD"

	// MaxPresignedLife bounds X-Amz-Expires, as AWS does: a week.
	MaxPresignedLife = 7 * 24 * time.Hour

	maxSignedHeaders  = 64
	maxQuery          = 8192
	maxPresignedQuery = 2 * maxQuery // a session token stands in it
	signatureBytes    = 32
)

// Signature is the signature of a request, read but not verified: only
// [Signature.Matches] says whether it is true.
type Signature struct {
	AccessKeyID string
	Region      string
	Service     string
	SignedAt    time.Time

	// Presigned tells the form in the query from that in the header. Life is how
	// long a presigned URL is good for.
	Presigned bool
	Life      time.Duration

	// SessionToken comes with temporary credentials; empty without.
	SessionToken secret.String

	// DeclaredPayload is X-Amz-Content-Sha256: the hash of the body, in small
	// hexadecimal digits, or a word such as [UnsignedPayload]. Empty when the
	// request does not say.
	DeclaredPayload string

	day    string
	signed []string
	mac    []byte

	unsignedType bool // Content-Type need not be signed
}

// Read finds the signature of r, in the Authorization header or in the query,
// and checks what needs neither key nor clock: that it is complete, that its date is on
// the day of its scope, that it covers the host, every X-Amz- header and, unless
// unsignedType says otherwise, Content-Type, and that the request reads in one way only:
// no two readers may decode it to different things. A header that has to be signed may be
// there once only, and a request may be signed in one way only.
func Read(r *http.Request, unsignedType bool) (*Signature, error) {
	p, err := readParameters(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	s := &Signature{unsignedType: unsignedType}
	if len(p) == 0 {
		err = s.readHeader(r)
	} else if len(r.Header.Values("Authorization")) > 0 {
		err = fmt.Errorf("%w: the request is signed in its header and in its query; sign one way", ErrIncomplete)
	} else {
		err = s.readQuery(r, p)
	}
	if err == nil {
		err = s.oneReading(r)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// finish fills in and checks what the two forms have in common: the five-part
// credential, the list of signed headers, the signature in hexadecimal, the date.
func (s *Signature) finish(credential, signed, signature, date string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || slices.Contains(parts, "") || parts[4] != terminator {
		return fmt.Errorf("%w: Credential must be KEY/DAY/REGION/SERVICE/%s", ErrIncomplete, terminator)
	}
	s.AccessKeyID, s.day, s.Region, s.Service = parts[0], parts[1], parts[2], parts[3]
	s.signed = strings.Split(signed, ";")
	if len(s.signed) > maxSignedHeaders || !inOrder(s.signed) {
		return fmt.Errorf("%w: SignedHeaders must be in small letters, in order, each once", ErrIncomplete)
	}
	var err error
	if s.mac, err = hex.DecodeString(signature); err != nil || len(s.mac) != signatureBytes {
		return fmt.Errorf("%w: Signature must be %d hexadecimal digits", ErrIncomplete, 2*signatureBytes)
	}
	if s.SignedAt, err = time.Parse(timeFormat, date); err != nil {
		return fmt.Errorf("%w: X-Amz-Date is not of the form YYYYMMDD'T'HHMMSS'Z'", ErrIncomplete)
	}
	return nil
}

func inOrder(names []string) bool {
	for i, name := range names {
		if name == "" || name != strings.ToLower(name) || i > 0 && names[i-1] >= name {
			return false
		}
	}
	return true
}

// covers checks that what the operation acts on was signed, and must names that
// have to be. A header that is sent twice is refused where a second value could
// mean another thing to another reader.
func (s *Signature) covers(r *http.Request, must ...string) error {
	for _, name := range append(mustBeSigned(r.Header, s.unsignedType), must...) {
		if _, found := slices.BinarySearch(s.signed, name); !found {
			return fmt.Errorf("%w: header %s is not signed", ErrSignature, name)
		}
		if len(r.Header.Values(name)) > 1 {
			return fmt.Errorf("%w: header %s is sent more than once", ErrSignature, name)
		}
	}
	if s.SignedAt.Format(dayFormat) != s.day {
		return fmt.Errorf("%w: X-Amz-Date is not on the day of the credential's scope", ErrSignature)
	}
	return nil
}

// Fresh checks the date against now: within skew, which is at most [MaxSkew],
// and for a presigned URL until the end of its life.
func (s *Signature) Fresh(now time.Time, skew time.Duration) error {
	skew = min(skew, MaxSkew)
	early, late := s.SignedAt.Add(-skew), s.Until(skew)
	if now.Before(early) || now.After(late) {
		return fmt.Errorf("%w: signed at %s for use until %s, and the clock here says %s; sign again, with the right time",
			ErrExpired, s.SignedAt.Format(timeFormat), late.Format(timeFormat), now.UTC().Format(timeFormat))
	}
	return nil
}

// Until is the last moment at which Fresh accepts the signature.
func (s *Signature) Until(skew time.Duration) time.Time {
	if s.Presigned {
		return s.SignedAt.Add(s.Life)
	}
	return s.SignedAt.Add(min(skew, MaxSkew))
}

// Matches computes the signature anew, over r and the payload that the caller
// vouches for, and compares in constant time.
func (s *Signature) Matches(r *http.Request, payload string, key secret.String) error {
	of := scope{day: s.day, region: s.Region, service: s.Service}
	canonical := form{service: s.Service, signed: s.signed, payload: payload, presigned: s.Presigned}.canonical(r)
	if !hmac.Equal(of.signature(key, s.SignedAt.Format(timeFormat), canonical), s.mac) {
		return ErrSignature
	}
	return nil
}

// Bytes are the signature itself, for those who remember signatures.
func (s *Signature) Bytes() [signatureBytes]byte { return [signatureBytes]byte(s.mac) }
