package tempkey

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"
)

// The plaintext of a session token:
//
//	format (1 byte) ‖ flags (1) ‖ issued (8) ‖ life (4) ‖ secret (30)
//	‖ pool ‖ identity ‖ role ‖ provider ‖ subject ‖ number of tags (2) ‖ key ‖ value ‖ …
//
// Numbers are big-endian, times are seconds since 1970, each text stands behind
// its length (2 bytes), tags are in the order of their keys, each key once.
const (
	format            = 1
	flagAuthenticated = 1
)

// errClaims never leaves the package: Open answers ErrToken.
var errClaims = errors.New("tempkey: malformed claims")

func encode(c Claims, raw [secretSize]byte) []byte {
	var flags byte
	if c.Authenticated {
		flags = flagAuthenticated
	}
	out := append(make([]byte, 0, 512), format, flags)
	out = binary.BigEndian.AppendUint64(out, uint64(c.Issued.Unix()))
	out = binary.BigEndian.AppendUint32(out, uint32(c.Expires.Sub(c.Issued)/time.Second))
	out = append(out, raw[:]...)
	for _, text := range []string{c.PoolID, c.IdentityID, c.RoleARN, c.Provider, c.Subject} {
		out = appendText(out, text)
	}
	out = binary.BigEndian.AppendUint16(out, uint16(len(c.Tags)))
	for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
		out = appendText(appendText(out, key), c.Tags[key])
	}
	return out
}

// appendText writes a text behind its length. A length that does not fit makes
// the plaintext far longer than Mint allows.
func appendText(out []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(out, uint16(len(text))), text...)
}

// decode accepts exactly what encode writes.
func decode(plaintext []byte) (c Claims, raw [secretSize]byte, err error) {
	r := reader{rest: plaintext}
	head := r.next(2)
	if r.failed || head[0] != format || head[1]&^flagAuthenticated != 0 {
		return Claims{}, raw, errClaims
	}
	c.Authenticated = head[1] == flagAuthenticated
	if issued, life := r.next(8), r.next(4); !r.failed {
		c.Issued = time.Unix(int64(binary.BigEndian.Uint64(issued)), 0).UTC()
		c.Expires = c.Issued.Add(time.Duration(binary.BigEndian.Uint32(life)) * time.Second)
	}
	copy(raw[:], r.next(secretSize))
	for _, text := range []*string{&c.PoolID, &c.IdentityID, &c.RoleARN, &c.Provider, &c.Subject} {
		*text = r.text()
	}
	c.Tags = r.tags()
	if r.failed || len(r.rest) != 0 {
		return Claims{}, [secretSize]byte{}, errClaims
	}
	return c, raw, nil
}

// reader takes a plaintext apart from the front. What it answers after a
// failure is empty.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) next(n int) []byte {
	if r.failed || len(r.rest) < n {
		r.failed = true
		return nil
	}
	part := r.rest[:n]
	r.rest = r.rest[n:]
	return part
}

func (r *reader) length() int {
	if size := r.next(2); !r.failed {
		return int(binary.BigEndian.Uint16(size))
	}
	return 0
}

func (r *reader) text() string { return string(r.next(r.length())) }

func (r *reader) tags() map[string]string {
	n := r.length()
	if n == 0 || n*4 > len(r.rest) { // two lengths for each
		r.failed = r.failed || n != 0
		return nil
	}
	tags, last := make(map[string]string, n), ""
	for i := range n {
		key := r.text()
		if i > 0 && key <= last {
			r.failed = true
		}
		tags[key], last = r.text(), key
	}
	return tags
}
