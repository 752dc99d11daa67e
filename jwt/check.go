package jwt

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// same reports whether two keys are equal. Key sources that parse anew for each
// call give equal keys at different addresses.
func same(a, b *rsa.PublicKey) bool {
	return a == b || a.E == b.E && a.N.Cmp(b.N) == 0
}

// verifyToken verifies a token for one use, or finds it among the remembered ones. Of
// a remembered token it checks only what can have changed.
func verifyToken[T token](ctx context.Context, v *Verifier, c *cache[T], raw, use string) (*T, error) {
	if t := c.load(raw); t != nil {
		b := AccessToken(*t).body()
		if fresh, err := v.recheck(ctx, b); err != nil {
			c.drop(raw)
			return nil, err
		} else if fresh {
			if err := v.checkRevoked(ctx, b); err != nil {
				return nil, err
			}
			return t, nil
		}
		c.drop(raw)
	}
	b, err := v.verify(ctx, raw, use)
	if err != nil {
		return nil, err
	}
	b.raw = c.keep(b.raw)
	t := T(AccessToken{b.claims()})
	c.store(b.raw, &t)
	return &t, nil
}

// verify does the whole work for one token. The payload is not looked at before
// the signature is right, and nothing about time is said before all else is right.
func (v *Verifier) verify(ctx context.Context, raw, use string) (*body, error) {
	if v.keys == nil {
		return nil, &Error{Kind: ErrKeysUnavailable, Detail: "the Verifier was not made by NewVerifier"}
	}
	var buf scratch
	var t struct { // one allocation
		body
		own verification
	}
	b := &t.body
	b.verification = &t.own
	header, signature, err := b.split(raw, v.maxToken, &buf)
	if err != nil {
		return nil, err
	}
	if b.parsed, err = b.checkHeader(header); err != nil {
		return nil, err
	}
	key, err := v.key(ctx, b.parsed.KeyID)
	if err != nil {
		return nil, err
	}
	if err := b.checkSignature(key, signature); err != nil {
		return nil, err
	}
	if err := b.parsePayload(); err != nil {
		return nil, err
	}
	found := b.find()
	if err := v.checkOrigin(b, &found, use); err != nil {
		return nil, err
	}
	if err := b.readTimes(&found); err != nil {
		return nil, err
	}
	if err := v.checkTimes(b); err != nil {
		return nil, err
	}
	if v.revoked != nil {
		b.session = b.claims().SessionRef()
	}
	if err := v.checkRevoked(ctx, b); err != nil {
		return nil, err
	}
	b.use, b.key = use, key
	return b, nil
}

// checkRevoked comes last, so that ErrRevoked too is said of good tokens only.
func (v *Verifier) checkRevoked(ctx context.Context, b *body) error {
	if v.revoked == nil {
		return nil
	}
	over, err := v.revoked.Revoked(ctx, b.session)
	switch {
	case err != nil:
		if _, ours := errors.AsType[*Error](err); ours {
			return err
		}
		return &Error{Kind: ErrRevocationsUnavailable, Err: err}
	case over:
		return refuse(ErrRevoked, "its session has ended; sign in again")
	}
	return nil
}

// recheck is what a remembered token must still pass: its key has not been
// withdrawn, and it has not expired. Everything else cannot change.
func (v *Verifier) recheck(ctx context.Context, b *body) (fresh bool, err error) {
	key, err := v.key(ctx, b.parsed.KeyID)
	if err != nil {
		return false, err
	}
	if !same(b.key, key) {
		return false, nil
	}
	return true, v.checkTimes(b)
}

// checkHeader accepts RS256 alone (RFC 8725 section 3.1) and refuses every header
// that would change what the signature covers. Keys in the header (jwk, jku, x5c,
// x5u) are never read.
func (b *body) checkHeader(src string) (Header, error) {
	h, refused, err := b.parseHeader(src)
	switch {
	case err != nil:
		return Header{}, err
	case h.Algorithm != "RS256":
		return Header{}, &Error{Part: partHeader, Kind: ErrAlgorithm, Detail: "alg is " + quote(h.Algorithm) + "; only RS256 is accepted"}
	case refused != "":
		return Header{}, malformed(partHeader, refused+" is not supported")
	case h.KeyID == "":
		return Header{}, malformed(partHeader, "kid is missing")
	case !acceptedType(h.Type):
		return Header{}, &Error{Part: partHeader, Kind: ErrUse, Detail: "typ is " + quote(h.Type)}
	}
	return h, nil
}

// acceptedType accepts no typ, as Cognito sends it, JWT (RFC 7519 section 5.1) and
// at+jwt (RFC 9068). Any other type, such as logout+jwt, is a token for something
// else that happens to be signed by the same key (RFC 8725 section 3.11).
func acceptedType(typ string) bool {
	if typ == "" || strings.EqualFold(typ, "JWT") {
		return true
	}
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return strings.EqualFold(typ, "JWT") || strings.EqualFold(typ, "at+jwt")
}

// accessType reports whether typ says that a token is an access token (RFC 9068).
func accessType(typ string) bool {
	return len(typ) >= 6 && strings.EqualFold(typ[len(typ)-6:], "at+jwt")
}

// key asks the source and does not trust it blindly.
func (v *Verifier) key(ctx context.Context, keyID string) (*rsa.PublicKey, error) {
	key, err := v.keys.Key(ctx, keyID)
	if err != nil {
		if _, ours := errors.AsType[*Error](err); ours {
			return nil, err
		}
		kind := ErrKeysUnavailable
		if errors.Is(err, ErrUnknownKey) {
			kind = ErrUnknownKey
		}
		return nil, &Error{Part: partHeader, Kind: kind, Err: err}
	}
	if key == nil || key.N == nil {
		return nil, unknownKey(keyID, "the key source returned no key")
	}
	if why := weakness(key.N, int64(key.E)); why != "" {
		return nil, unknownKey(keyID, why)
	}
	return key, nil
}

func unknownKey(keyID, detail string) *Error {
	return &Error{Part: partHeader, Kind: ErrUnknownKey, Detail: "kid " + quote(keyID) + ": " + detail}
}

func (b *body) checkSignature(key *rsa.PublicKey, signature []byte) error {
	sum := digest(b.raw[:b.signed])
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil {
		return &Error{Part: partSignature, Kind: ErrSignature, Detail: "the token was changed, cut short or forged; get a new one"}
	}
	return nil
}

// digest hashes text in place: Sum256 only reads, and a copy of each token
// costs a tenth of what this package adds to the signature check.
func digest(text string) [sha256.Size]byte {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(text), len(text)))
}

// checked are the claims that decide, found in one pass; nil when absent.
type checked struct{ iss, use, sub, client, aud, azp, exp, iat, nbf *member }

func (b *body) find() (c checked) {
	for i := range b.members {
		m := &b.members[i]
		switch m.nameIn(b.payload) {
		case "iss":
			c.iss = m
		case "token_use":
			c.use = m
		case "sub":
			c.sub = m
		case "client_id":
			c.client = m
		case "aud":
			c.aud = m
		case "azp":
			c.azp = m
		case "exp":
			c.exp = m
		case "iat":
			c.iat = m
		case "nbf":
			c.nbf = m
		}
	}
	return c
}

// text returns the value of a claim that is a string, or "".
func (b *body) text(m *member) string {
	if m == nil {
		return ""
	}
	text, _ := m.textIn(b.payload)
	return text
}

// checkOrigin checks the token's issuer, use and audience.
func (v *Verifier) checkOrigin(b *body, c *checked, use string) error {
	if iss := b.text(c.iss); iss != v.issuer {
		return refuse(ErrIssuer, "iss is "+quote(iss)+"; expected "+v.issuer)
	}
	switch got := b.text(c.use); {
	case v.openID:
		return v.checkOpenID(b, c, use)
	case got == use:
	case got == UseID && use == UseAccess:
		return refuse(ErrUse, "an ID token was sent where an access token is due; send the access token")
	case got == UseAccess && use == UseID:
		return refuse(ErrUse, "an access token was sent where an ID token is due; send the ID token")
	default:
		return refuse(ErrUse, "token_use is "+quote(got)+"; expected "+use)
	}
	if b.text(c.sub) == "" {
		return malformed(partPayload, "sub is missing or not a string")
	}
	if client := b.client(c, use); client == "" || !v.any && !slices.Contains(v.clients, client) {
		return refuse(ErrClient, "it was issued to app client "+quote(client)+"; add it to ClientIDs if it may call")
	}
	if use == UseAccess {
		return v.checkResource(b, c)
	}
	return nil
}

// checkOpenID is the rest of checkOrigin for another provider's ID token. Such a
// provider's access tokens may look alike: what says that it is one is refused.
// azp counts where aud leaves it open whose token it is; with one aud it may differ,
// as in tokens that Google makes in an app for the app's server.
func (v *Verifier) checkOpenID(b *body, c *checked, use string) error {
	if got := b.text(c.use); use != UseID || c.use != nil && got != UseID || accessType(b.parsed.Type) {
		return refuse(ErrUse, "token_use is "+quote(got)+" and typ "+quote(b.parsed.Type)+"; only ID tokens are accepted")
	}
	if b.text(c.sub) == "" {
		return malformed(partPayload, "sub is missing or not a string")
	}
	audience := b.audience(c.aud)
	known := slices.ContainsFunc(audience, func(client string) bool { return slices.Contains(v.clients, client) })
	if !known || len(audience) > 1 && !slices.Contains(v.clients, b.text(c.azp)) {
		return refuse(ErrClient, "it was issued to "+quote(strings.Join(audience, " "))+", azp "+quote(b.text(c.azp))+"; add the client to ClientIDs if it may call")
	}
	return nil
}

func refuse(kind error, detail string) *Error {
	return &Error{Part: partPayload, Kind: kind, Detail: detail}
}

// client returns the app client: client_id of an access token; aud of an ID token,
// a string or an array of one.
func (b *body) client(c *checked, use string) string {
	if use == UseAccess {
		return b.text(c.client)
	}
	if audience := b.audience(c.aud); len(audience) == 1 {
		return audience[0]
	}
	return ""
}

// audience returns aud as a list, nil when it is absent or of another type.
func (b *body) audience(m *member) []string {
	if m == nil {
		return nil
	}
	if m.kind == kindString {
		return []string{b.text(m)}
	}
	list, _ := texts(m.rawIn(b.payload))
	return list
}

// checkResource looks at the aud of an access token, which is optional: when it
// is there it must be well formed, and when a resource is configured it must
// name it.
func (v *Verifier) checkResource(b *body, c *checked) error {
	audience := b.audience(c.aud)
	if c.aud != nil && len(audience) == 0 {
		return malformed(partPayload, "aud is neither a string nor an array of strings")
	}
	if v.resource != "" && !slices.Contains(audience, v.resource) {
		return refuse(ErrAudience, "aud is "+quote(strings.Join(audience, " "))+"; expected "+v.resource)
	}
	return nil
}

// readTimes reads the times once; exp and iat must be there, nbf may.
func (b *body) readTimes(c *checked) error {
	if err := b.seconds(&b.expiry, "exp", c.exp); err != nil {
		return err
	}
	if err := b.seconds(&b.issuedAt, "iat", c.iat); err != nil {
		return err
	}
	if c.nbf == nil {
		return nil
	}
	return b.seconds(&b.notBefore, "nbf", c.nbf)
}

func (b *body) seconds(into *int64, name string, m *member) error {
	if m == nil {
		return malformed(partPayload, name+" is missing")
	}
	seconds, ok := m.secondsIn(b.payload)
	if !ok {
		return malformed(partPayload, name+" is not a whole number of seconds")
	}
	*into = seconds
	return nil
}

// checkTimes runs at each use of a token, remembered or not. A token is expired
// from the second exp on (RFC 7519 section 4.1.4).
func (v *Verifier) checkTimes(b *body) error {
	now := v.now()
	if earliest := now.Add(-v.leeway).Unix(); earliest >= b.expiry {
		return refuse(ErrExpired, "it expired at "+stamp(b.expiry)+"; refresh it")
	}
	latest := now.Add(v.leeway).Unix()
	if latest < b.notBefore {
		return refuse(ErrNotYetValid, "nbf is "+stamp(b.notBefore)+"; check this machine's clock, or set Leeway")
	}
	if latest < b.issuedAt {
		return refuse(ErrNotYetValid, "iat is "+stamp(b.issuedAt)+"; check this machine's clock, or set Leeway")
	}
	return nil
}

func stamp(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }
