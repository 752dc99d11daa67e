package jwt

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxLeeway is the most a [Config] may forgive: above it a token's end stops
// meaning anything.
const maxLeeway = time.Minute

// maxTokenBytes is the most that [Config.MaxTokenBytes] may be.
const maxTokenBytes = 1 << 20

// Config says which tokens a [Verifier] accepts.
type Config struct {
	// Issuer is the exact iss of the tokens: for a user pool
	// https://cognito-idp.<region>.amazonaws.com/<pool id>, or what the pool's
	// issuer configuration says. Required.
	Issuer string
	// ClientIDs are the app clients whose tokens are accepted: client_id of
	// access tokens, aud of ID tokens. At least one, unless AnyClient is true.
	ClientIDs []string
	// AnyClient accepts the tokens of every app client of the issuer. Set it only
	// if all clients of the pool may call you.
	AnyClient bool
	// OpenID makes VerifyID take the ID tokens of any OpenID Connect provider:
	// token_use, which is Cognito's own, may be missing, and aud may name several, of
	// which one is a configured client, if azp then is one too (OpenID Connect Core
	// section 3.1.3.7, rules 3 to 5). It needs ClientIDs, and VerifyAccess refuses
	// every token.
	OpenID bool
	// Resource, when it is set, must stand in aud of every access token: the
	// resource a token is bound to (RFC 8707). Empty leaves aud of access tokens
	// alone, because Cognito sends none by default. It does not concern ID tokens.
	Resource string
	// Keys are the issuer's keys. Nil means [NewRemoteKeys] with Issuer +
	// "/.well-known/jwks.json".
	Keys KeySource
	// MaxTokenBytes bounds the length of a token in bytes; a longer one is refused
	// unread, as [ErrMalformed]. 0 means 50,000, so that every token that Cognito
	// issues is accepted: a user in 100 groups with long names has tokens of 17 kB
	// and more. A lower bound suits an API whose HTTP server has a lower one for
	// headers (commonly 8 or 16 KiB). At most 1<<20.
	MaxTokenBytes int
	// Leeway is how far this machine's clock may be off: a token is accepted this
	// long after exp and before nbf and iat. Default 0; at most one minute.
	Leeway time.Duration
	// HTTPClient fetches the keys when Keys is nil. See [RemoteOptions].
	HTTPClient *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// CacheSize is how many verified access tokens, and how many verified ID
	// tokens, are remembered, so that the same token need not be verified at each
	// request. A token takes about 3 kB; one of more than 16 KiB is not remembered.
	// 0 means 4096, negative none; it is rounded up to a power of two and at most
	// 1<<20.
	CacheSize int
	// Revocations is asked about every token, remembered ones included, once all
	// else about it is right. Nil means that tokens are good until they expire,
	// also after a sign-out. See [FollowRevocations].
	Revocations RevocationSource
}

// Verifier verifies the tokens of one issuer. It may be used by many goroutines
// at once. Make one with [NewVerifier] and keep it: it holds the keys and the tokens it
// has seen. The zero value verifies nothing: its error is of kind [ErrKeysUnavailable].
type Verifier struct {
	issuer   string
	clients  []string
	any      bool
	openID   bool
	resource string
	keys     KeySource
	maxToken int
	leeway   time.Duration
	now      func() time.Time
	revoked  RevocationSource // nil: tokens live until they expire
	access   cache[AccessToken]
	id       cache[IDToken]
}

// NewVerifier checks config and returns its Verifier. It does not use the
// network; the first token does. The error names the field that is wrong and says
// what to set. Later changes to config have no effect.
func NewVerifier(config Config) (*Verifier, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("jwt: configuration: %w", err)
	}
	v := &Verifier{
		issuer:   config.Issuer,
		clients:  slices.Clone(config.ClientIDs),
		any:      config.AnyClient,
		openID:   config.OpenID,
		resource: config.Resource,
		keys:     config.Keys,
		maxToken: cmp.Or(config.MaxTokenBytes, maxToken),
		leeway:   config.Leeway,
		now:      config.Now,
		revoked:  config.Revocations,
		access:   newCache[AccessToken](config.CacheSize),
		id:       newCache[IDToken](config.CacheSize),
	}
	if v.now == nil {
		v.now = time.Now
	}
	if v.keys == nil {
		keys, err := NewRemoteKeys(strings.TrimSuffix(config.Issuer, "/")+"/.well-known/jwks.json",
			func(o *RemoteOptions) { o.HTTPClient = config.HTTPClient })
		if err != nil {
			return nil, err
		}
		v.keys = keys
	}
	return v, nil
}

// check refuses what would silently accept too much, or nothing at all.
func (c *Config) check() error {
	switch {
	case c.Issuer == "":
		return errors.New("Issuer is empty; set the user pool's issuer URL")
	case len(c.ClientIDs) == 0 && !c.AnyClient:
		return errors.New("ClientIDs is empty; list the app clients to accept, or set AnyClient")
	case len(c.ClientIDs) > 0 && c.AnyClient:
		return errors.New("ClientIDs and AnyClient are both set; choose one")
	case c.AnyClient && c.OpenID:
		return errors.New("AnyClient and OpenID are both set; list ClientIDs, since any program may be a client of an OpenID provider")
	case slices.Contains(c.ClientIDs, ""):
		return errors.New("ClientIDs contains an empty id")
	case c.Keys == KeySource((*KeySet)(nil)) || c.Keys == KeySource((*RemoteKeys)(nil)):
		return fmt.Errorf("a nil %T as Keys; leave it out, or check the error of the function that made it", c.Keys)
	case c.Revocations == RevocationSource((*Revocations)(nil)):
		return errors.New("Revocations is a nil *Revocations; leave it out, or check FollowRevocations's error")
	case c.Leeway < 0 || c.Leeway > maxLeeway:
		return fmt.Errorf("a Leeway of %v is not between 0 and %v", c.Leeway, maxLeeway)
	case c.MaxTokenBytes < 0 || c.MaxTokenBytes > maxTokenBytes:
		return fmt.Errorf("a MaxTokenBytes of %d is not between 0 and %d", c.MaxTokenBytes, maxTokenBytes)
	case c.CacheSize > maxCache:
		return fmt.Errorf("a CacheSize of %d is more than %d", c.CacheSize, maxCache)
	}
	return nil
}

// verified is a token that passed. It is embedded under an unexported name, so
// that no other package can put claims into an AccessToken or IDToken.
type verified = Claims

// AccessToken is a verified access token. Only a [Verifier] makes one; all methods
// of [Claims] read it. It never changes and may be shared. It was valid when it
// was verified: see Expiry for how long. Printing shows a summary, never the token.
type AccessToken struct{ verified }

// Header returns the token's header.
func (t *AccessToken) Header() Header { return t.header() }

// Raw returns the token as it was verified, to pass it on.
func (t *AccessToken) Raw() string { return t.body().rawToken() }

// Claims returns the token's claims.
func (t *AccessToken) Claims() Claims { return t.verified }

// IDToken is a verified ID token. Only a [Verifier] makes one; all methods of
// [Claims] read it. It never changes and may be shared. An ID token
// identifies the user to a client; an API should require access tokens. Printing shows a
// summary, never the token.
type IDToken struct{ verified }

// Header returns the token's header.
func (t *IDToken) Header() Header { return t.header() }

// Raw returns the token as it was verified, to pass it on.
func (t *IDToken) Raw() string { return t.body().rawToken() }

// Claims returns the token's claims.
func (t *IDToken) Claims() Claims { return t.verified }

// CheckNonce compares the nonce claim with the nonce that was sent with this
// sign-in attempt's authorization request (OpenID Connect Core section 3.1.3.7,
// rule 11). The error is of kind [ErrNonce], also when want is empty: an attempt
// without a nonce has nothing to compare.
func (t *IDToken) CheckNonce(want string) error {
	if want == "" {
		return &Error{Part: partPayload, Kind: ErrNonce, Detail: "no nonce is expected; keep the one sent with the sign-in and pass it"}
	}
	if subtle.ConstantTimeCompare([]byte(t.Nonce()), []byte(want)) != 1 {
		return &Error{Part: partPayload, Kind: ErrNonce, Detail: "the sign-in was not started here; start it again"}
	}
	return nil
}

func (c Claims) header() Header {
	if c.body() == nil || c.body().verification == nil {
		return Header{}
	}
	return c.body().parsed
}

// VerifyAccess verifies an access token: form, algorithm, key, signature, issuer,
// token_use, app client, resource, times and, where configured, revocation, in this
// order. No claims are given out with an error. Errors are [*Error]; those of kind
// [ErrKeysUnavailable] and [ErrRevocationsUnavailable] say nothing about the token.
//
// ctx bounds the wait for keys, and is passed to Config.Revocations; if the keys are known it
// is not used.
func (v *Verifier) VerifyAccess(ctx context.Context, raw string) (*AccessToken, error) {
	return verifyToken(ctx, v, &v.access, raw, UseAccess)
}

// VerifyID verifies an ID token, as VerifyAccess does an access token; aud must name
// one configured client, as a string or as an array of one (OpenID Connect Core
// section 3.1.3.7). It does not know which nonce was sent: after a sign-in by
// redirect call [IDToken.CheckNonce].
func (v *Verifier) VerifyID(ctx context.Context, raw string) (*IDToken, error) {
	return verifyToken(ctx, v, &v.id, raw, UseID)
}
