package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
)

// The frame around a payload is the same in every schema, so that a program
// can tell a newer record from a damaged one. It is one line of JSON:
//
//	{"schema":4,"sha256":"<64 lower-case hex digits>","record":{…}}
//
// The checksum covers the schema's digits, a line feed, the member's name,
// another line feed and the payload's bytes. The frame has one spelling only:
// [unframe] compares bytes and so refuses other spacing, order or case, and
// with them every change of a single bit.
const (
	frameSchema   = `{"schema":`
	frameChecksum = `,"sha256":"`
	frameMember   = `","`
	framePayload  = `":`
	frameEnd      = "}\n"

	// maxSchemaDigits bounds the number that unframe is willing to read.
	maxSchemaDigits = 9
)

var (
	errTooLarge  = errors.New("it is larger than 1 MiB, which no record is")
	errEmpty     = errors.New("it is empty")
	errCut       = errors.New("its end is missing")
	errFrame     = errors.New("it does not have the form of a record")
	errChecksum  = errors.New("its checksum does not match: bytes changed after they were written")
	errOldSchema = errors.New("it has schema 0, which never existed")
)

// frame wraps payload as the value of member, which is the kind of thing that
// payload is: a record must not pass for an account, nor an account for a record.
func frame(schema uint64, member string, payload []byte) []byte {
	sum := checksum(schema, member, payload)
	data := make([]byte, 0, len(payload)+128)
	data = append(data, frameSchema...)
	data = strconv.AppendUint(data, schema, 10)
	data = append(data, frameChecksum...)
	data = append(data, sum[:]...)
	data = append(data, frameMember...)
	data = append(data, member...)
	data = append(data, framePayload...)
	data = append(data, payload...)
	return append(data, frameEnd...)
}

// unframe checks everything about data but the payload's own form, and returns
// the schema and the payload. A newer schema is a [*SchemaError].
func unframe(member string, data []byte) (schema uint64, payload []byte, err error) {
	switch {
	case len(data) == 0:
		return 0, nil, errEmpty
	case len(data) > MaxSize:
		return 0, nil, errTooLarge
	}
	// The end first: a truncated file is the most common damage, and "its end is
	// missing" is clearer than a wrong checksum.
	body, ok := bytes.CutSuffix(data, []byte(frameEnd))
	if !ok {
		return 0, nil, errCut
	}
	schema, body, ok = cutSchema(body)
	if !ok {
		return 0, nil, errFrame
	}
	sum, payload, ok := cutChecksum(member, body)
	if !ok {
		return 0, nil, errFrame
	}
	want := checksum(schema, member, payload)
	// No secret is compared here; the checksum finds accidents, not attackers.
	if !bytes.Equal(sum, want[:]) {
		return 0, nil, errChecksum
	}
	// Only now, for a flipped bit in the schema must not look like an upgrade.
	switch {
	case schema > Schema:
		return 0, nil, &SchemaError{Found: schema}
	case schema == 0:
		return 0, nil, errOldSchema
	}
	return schema, payload, nil
}

// cutSchema reads the frame up to the schema's last digit. A leading zero is
// refused, as JSON does (RFC 8259, section 6).
func cutSchema(data []byte) (schema uint64, rest []byte, ok bool) {
	data, ok = bytes.CutPrefix(data, []byte(frameSchema))
	if !ok {
		return 0, nil, false
	}
	digits := bytes.IndexByte(data, ',')
	if digits < 1 || digits > maxSchemaDigits || (data[0] == '0' && digits > 1) {
		return 0, nil, false
	}
	schema, err := strconv.ParseUint(string(data[:digits]), 10, 32)
	return schema, data[digits:], err == nil
}

// cutChecksum splits what follows the schema into checksum and payload. The
// checksum stays text: decoding it would take both cases of a digit for one.
func cutChecksum(member string, data []byte) (sum, payload []byte, ok bool) {
	data, ok = bytes.CutPrefix(data, []byte(frameChecksum))
	if !ok || len(data) < hex.EncodedLen(sha256.Size) {
		return nil, nil, false
	}
	sum, data = data[:hex.EncodedLen(sha256.Size)], data[hex.EncodedLen(sha256.Size):]
	payload, ok = bytes.CutPrefix(data, []byte(frameMember+member+framePayload))
	return sum, payload, ok
}

// checksum returns the hexadecimal SHA-256 of a frame's content.
func checksum(schema uint64, member string, payload []byte) (text [2 * sha256.Size]byte) {
	digest := sha256.New()
	head := strconv.AppendUint(make([]byte, 0, 64), schema, 10)
	head = append(head, '\n')
	head = append(head, member...)
	digest.Write(append(head, '\n'))
	digest.Write(payload)
	var sum [sha256.Size]byte
	hex.Encode(text[:], digest.Sum(sum[:0]))
	return text
}
