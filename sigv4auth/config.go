package sigv4auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/tempkey"
)

// DefaultMaxBody is [Config.MaxBody] where it is zero, in bytes.
const DefaultMaxBody = 1 << 20

// Config says which requests are accepted. The zero value of all but the first
// three is the strict choice.
type Config struct {
	// Keys are the keys that the identity pool's broker makes credentials with,
	// 32 bytes each. All open; to replace one, name the new one here before the
	// broker uses it, and the old one until the last of its credentials has
	// expired. Required.
	Keys [][]byte

	// Regions and Services are the scopes that signatures may have, such as
	// "us-east-1" and "execute-api". Required. With a different service
	// name for each API, a request to one is not accepted by another. For the services
	// of Amazon S3 ("s3", "s3-…") paths are signed as S3 does it.
	Regions, Services []string

	// Hosts are the values of the Host header that are accepted, with their port
	// where it is not the scheme's own. None means any: the host is signed, but
	// only you know whether it is yours.
	Hosts []string

	// Pools are the identity pools whose identities are accepted. None means
	// every pool that has one of the keys.
	Pools []string

	// AllowGuests accepts identities that have not signed in.
	AllowGuests bool

	// AllowUnsignedPayload accepts UNSIGNED-PAYLOAD in the place of the body's
	// hash. Such bodies are passed on unread, and may have been changed on
	// their way. Without it only GET and HEAD requests that have no body may say
	// so, as presigned URLs do.
	AllowUnsignedPayload bool

	// AllowUnsignedContentType accepts requests that do not sign their Content-Type, as the
	// AWS SDK for JavaScript 2 and aws4fetch send them. Set it if your handler reads the body
	// in one way only, whatever the header says: it may have been changed on its way.
	AllowUnsignedContentType bool

	// MaxBody bounds the bodies that are read to be hashed, in bytes:
	// [DefaultMaxBody] when zero. They are held in memory.
	MaxBody int64

	// Skew is how far the date of a request may be from the clock here: 5 minutes
	// when zero, at most 15.
	Skew time.Duration

	// MaxPresignedLife bounds the X-Amz-Expires of presigned URLs: 7 days when
	// zero, which is also the most. A negative value refuses presigned URLs. None
	// outlives its credentials.
	MaxPresignedLife time.Duration

	// Replays remembers the signatures of requests that may change something, presigned
	// or not; nil is a [NewMemory] of [DefaultMemory] signatures. NoReplayCheck switches
	// it off, for APIs whose operations are all idempotent.
	Replays       Replays
	NoReplayCheck bool

	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Replays remembers signatures. Where several replicas serve one API, a shared
// one (such as SET NX in Redis) makes the check hold across them. It must be safe
// for concurrent use.
type Replays interface {
	// First reports whether the signature is seen for the first time. It must be
	// remembered until the time given: at most 31 minutes ahead for a signature in the
	// header, and Config.MaxPresignedLife for a presigned URL. An error refuses the
	// request, with status 503.
	First(ctx context.Context, signature [32]byte, until time.Time) (bool, error)
}

// Auth verifies requests. It is safe for concurrent use. Make it with [New]: methods of a nil
// or zero Auth panic in the caller's goroutine.
type Auth struct {
	config Config
	codec  *tempkey.Codec
}

// New checks c and makes an Auth of it.
func New(c Config) (*Auth, error) {
	if len(c.Keys) == 0 {
		return nil, errors.New("sigv4auth: Keys is empty: read credentials.key of the service with ReadKey")
	}
	codec, err := tempkey.New(c.Keys...)
	if err != nil {
		return nil, fmt.Errorf("sigv4auth: Keys: %w", err)
	}
	if len(c.Regions) == 0 || slices.Contains(c.Regions, "") {
		return nil, errors.New(`sigv4auth: Regions must name the regions that clients sign for, such as "us-east-1"`)
	}
	if len(c.Services) == 0 || slices.Contains(c.Services, "") {
		return nil, errors.New(`sigv4auth: Services must name the services that clients sign for, such as "execute-api"`)
	}
	if c.Skew < 0 || c.Skew > sigv4.MaxSkew {
		return nil, fmt.Errorf("sigv4auth: Skew is %v; it must be between 0 and %v", c.Skew, sigv4.MaxSkew)
	}
	if c.MaxBody < 0 || c.MaxPresignedLife > sigv4.MaxPresignedLife {
		return nil, fmt.Errorf("sigv4auth: MaxBody must not be negative and MaxPresignedLife at most %v", sigv4.MaxPresignedLife)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Keys = nil // the codec has its own copy
	c.Regions, c.Services, c.Pools = slices.Clone(c.Regions), slices.Clone(c.Services), slices.Clone(c.Pools)
	c.Hosts = slices.Clone(c.Hosts)
	for i, host := range c.Hosts {
		c.Hosts[i] = strings.ToLower(host)
	}
	c.MaxBody = cmp.Or(c.MaxBody, DefaultMaxBody)
	c.Skew = cmp.Or(c.Skew, sigv4.DefaultSkew)
	c.MaxPresignedLife = cmp.Or(c.MaxPresignedLife, sigv4.MaxPresignedLife)
	if c.Replays == nil && !c.NoReplayCheck {
		c.Replays = NewMemory(DefaultMemory, c.Now)
	}
	return &Auth{config: c, codec: codec}, nil
}

// ReadKey reads a key from a file that the service made (credentials.key in the
// data folder of latchkey up), or a copy of it: a regular file that only its
// owner can read. Where there is none, the error is [io/fs.ErrNotExist].
func ReadKey(path string) ([]byte, error) { return seal.ReadKey(path) }
