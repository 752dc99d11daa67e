package jwt

import (
	"crypto/rsa"
	"strconv"
	"strings"
	"unsafe"
)

// maxToken is the size in bytes above which a token is refused unread: what Amazon's
// APIs accept as a login token, and so the largest token with a use. A Cognito token
// usually has 1 to 2 kB, but has 17 kB for a user in 100 groups whose names have 128
// characters, the most that Cognito allows, and more with the groups' roles.
const maxToken = 50_000

// Header is what a token's header says about its signature (RFC 7515 section 4.1).
// Members that are absent are empty.
type Header struct {
	Algorithm string // alg; Cognito signs with RS256
	KeyID     string // kid, which of the issuer's keys signed
	Type      string // typ; Cognito sends none
}

// Unverified is a token that was decoded but not verified: its author is unknown. Use it to
// show a token, or for the expiry of a token that the program itself received from the
// service; never to authorize a caller. It is a separate type, so that it cannot be passed
// where an [AccessToken] or an [IDToken] is required.
//
// The methods of [Claims] read its payload. Printing shows a summary, never the
// token.
type Unverified struct {
	header Header
	unverified
}

// unverified is a token that was only read. It is embedded under an unexported name, like
// [verified].
type unverified = Claims

// Header returns the token's header.
func (u *Unverified) Header() Header { return u.header }

// Claims returns the token's claims.
func (u *Unverified) Claims() Claims { return u.unverified }

// Raw returns the token as it was given to [Decode].
func (u *Unverified) Raw() string { return u.body().rawToken() }

// Signature returns a copy of the decoded signature. It is empty for a token
// that is not signed.
func (u *Unverified) Signature() []byte {
	if u.body() == nil {
		return nil
	}
	return decoded(u.body().raw[u.body().signed+1:])
}

// HeaderBytes returns a copy of the decoded header, one JSON object.
func (u *Unverified) HeaderBytes() []byte {
	if u.body() == nil {
		return nil
	}
	return decoded(u.body().raw[:strings.IndexByte(u.body().raw, '.')])
}

// decoded decodes a part that is known to be good.
func decoded(part string) []byte {
	b := make([]byte, decodedLen(len(part)))
	decode64(b, part)
	return b
}

// body is a token taken apart. It never changes once it is made, so that many
// goroutines may share it. Claims hold it behind two pointers, because fmt prints
// unexported fields without asking their methods. Behind one pointer it would still
// show the token for a verb such as %q, which follows a pointer to a struct.
type body struct {
	self    *body
	raw     string
	signed  int    // length of raw up to its second dot: what the signature covers
	payload string // decoded
	members []member
	// room holds the members of a typical token. With 23 of them, what Decode returns
	// takes 512 bytes; allocating more than that is slower.
	room [23]member
	*verification
}

// verification is what a Verifier notes about a token. It is nil after Decode.
type verification struct {
	use                         string // what the token was verified for; set once it has passed
	parsed                      Header
	key                         *rsa.PublicKey // which verified it
	expiry, notBefore, issuedAt int64
	session                     SessionRef // where revocations are asked for
}

// verifiedAs returns the use that the token was verified for, or "".
func (b *body) verifiedAs() string {
	if b.verification == nil {
		return ""
	}
	return b.use
}

func (b *body) claims() Claims {
	b.self = b
	return Claims{&b.self}
}

func (b *body) rawToken() string {
	if b == nil {
		return ""
	}
	return b.raw
}

// scratch holds the decoded signature of a typical token on the stack.
type scratch [512]byte

// Decode takes a token apart without verifying anything. It checks the form only:
// at most 50,000 bytes, three parts in unpadded base64url (RFC 7515 section 2), header
// and payload one strict JSON object each. Errors are [*Error] of kind
// [ErrMalformed], and Part names the part that is wrong.
//
// Refresh tokens of Cognito are encrypted and cannot be decoded.
func Decode(raw string) (*Unverified, error) {
	var buf scratch
	// One allocation for what is returned and what it points to.
	var t struct {
		Unverified
		own body
	}
	d := &t
	b := &d.own
	header, _, err := b.split(raw, maxToken, &buf)
	if err != nil {
		return nil, err
	}
	h, _, err := b.parseHeader(header)
	if err != nil {
		return nil, err
	}
	if err := b.parsePayload(); err != nil {
		return nil, err
	}
	d.Unverified = Unverified{header: h, unverified: b.claims()}
	return &d.Unverified, nil
}

// split checks size and dots and decodes the three parts. It keeps the payload and
// returns the header, and the signature in buf when there is room. limit is in bytes.
func (b *body) split(raw string, limit int, buf *scratch) (header string, signature []byte, err error) {
	if len(raw) > limit {
		return "", nil, malformed(partToken, "it is larger than "+strconv.Itoa(limit)+" bytes")
	}
	first, last, ok := dots(raw)
	if !ok {
		return "", nil, malformed(partToken, wrongParts(raw))
	}
	// Header and payload share one buffer that becomes a string without a copy, as in
	// strings.Builder: it is not written to after this function.
	text := make([]byte, decodedLen(first)+decodedLen(last-first-1))
	h, err := decodePart(text, raw[:first], partHeader)
	if err != nil {
		return "", nil, err
	}
	p, err := decodePart(text[h:], raw[first+1:last], partPayload)
	if err != nil {
		return "", nil, err
	}
	signature = buf[:]
	if need := decodedLen(len(raw) - last - 1); need > len(signature) {
		signature = make([]byte, need)
	}
	s, err := decodePart(signature, raw[last+1:], partSignature)
	if err != nil {
		return "", nil, err
	}
	src := unsafe.String(unsafe.SliceData(text), h+p)
	b.raw, b.signed, b.payload = raw, last, src[h:]
	return src[:h], signature[:s], nil
}

// dots returns where the two dots stand; ok says that there are two.
func dots(raw string) (first, last int, ok bool) {
	if first = strings.IndexByte(raw, '.'); first < 0 {
		return 0, 0, false
	}
	second := strings.IndexByte(raw[first+1:], '.')
	last = first + 1 + second
	return first, last, second >= 0 && strings.IndexByte(raw[last+1:], '.') < 0
}

// wrongParts guesses what was pasted instead of a JWT.
func wrongParts(raw string) string {
	switch n := strings.Count(raw, "."); {
	case strings.TrimSpace(raw) == "":
		return "it is empty"
	case n == 4:
		return "it has five parts; it looks like an encrypted token, such as a refresh token, which only the service can read"
	case n == 0:
		return "it has no dots; pass the whole token: header.payload.signature"
	case n == 1:
		return "it has two parts; it may be cut short: header.payload.signature"
	}
	return "it has more than three parts; pass one token: header.payload.signature"
}

// decodePart decodes text into buf and returns the length.
func decodePart(buf []byte, text, part string) (int, error) {
	n, ok := decode64(buf, text)
	if !ok {
		return 0, malformed(part, notBase64(text))
	}
	return n, nil
}

func notBase64(text string) string {
	switch {
	case strings.ContainsAny(text, "\r\n"):
		return "it contains a line end; pass the token on one line"
	case strings.ContainsAny(text, " \t\"'"):
		return "it is not base64url; pass the token alone, without a scheme such as Bearer, quotes or spaces"
	case strings.ContainsAny(text, "+/="):
		return "it is not base64url; it looks like plain or padded base64"
	}
	return "it is not base64url; it may be cut short or changed"
}

// parseHeader reads the header. The second result names the first member that
// changes the meaning of a signature and that this package does not implement.
func (b *body) parseHeader(src string) (h Header, refused string, err error) {
	members, problem := scanObject(src, b.room[:0])
	if problem != "" {
		return Header{}, "", malformed(partHeader, problem)
	}
	for _, m := range members {
		var into *string
		switch name := m.nameIn(src); name {
		case "alg":
			into = &h.Algorithm
		case "kid":
			into = &h.KeyID
		case "typ":
			into = &h.Type
		case "crit", "b64", "zip":
			refused = name
			continue
		default:
			continue
		}
		text, ok := m.textIn(src)
		if !ok {
			return Header{}, "", malformed(partHeader, m.nameIn(src)+" is not a string")
		}
		*into = text
	}
	return h, refused, nil
}

func (b *body) parsePayload() error {
	members, problem := scanObject(b.payload, b.room[:0])
	if problem != "" {
		return malformed(partPayload, problem)
	}
	b.members = members
	return nil
}
