// Package sigv4 signs HTTP requests with AWS Signature Version 4 and verifies
// such signatures.
//
// [Sign] is what this module's command does to its administrative calls.
// [Verifier] is what stands before the operations of the service that demand a
// signature: it takes the form with an Authorization header and knows its keys.
// [Read] and [Signature] are the parts that it is made of, for verifiers that
// learn the key from the request (package sigv4auth); they take presigned URLs
// too, which [Presign] makes.
//
// All build the canonical request with the same code, after AWS's "Create a
// signed AWS API request" (IAM User Guide): paths are cleaned and encoded once
// more, except for Amazon S3, which signs them as they were sent.
//
// Chunked uploads and the asymmetric Signature Version 4a are not part of it.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	terminator  = "aws4_request"
	timeFormat  = "20060102T150405Z"
	dayFormat   = "20060102"
	dateHeader  = "X-Amz-Date"
	tokenHeader = "X-Amz-Security-Token"
	hashHeader  = "X-Amz-Content-Sha256"

	// The parameters of presigned URLs; those for date, token and hash have the
	// names of the headers.
	algorithmParameter  = "X-Amz-Algorithm"
	credentialParameter = "X-Amz-Credential"
	expiresParameter    = "X-Amz-Expires"
	signedParameter     = "X-Amz-SignedHeaders"
	signatureParameter  = "X-Amz-Signature"
)

// Credentials are an AWS key pair, with a session token when they are temporary.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey secret.String
	SessionToken    string // of temporary credentials; empty for lasting ones
}

// Sign signs r, whose body is body, for a region ("us-east-1") and a service
// ("cognito-idp") at a point in time. It sets X-Amz-Date, X-Amz-Security-Token
// when there is a session token, and Authorization. Host, Content-Type and every
// X-Amz- header are signed; set them before, and change nothing afterwards.
func Sign(r *http.Request, body []byte, c Credentials, region, service string, at time.Time) {
	SignPayload(r, hashOf(body), c, region, service, at)
}

// SignPayload is [Sign] for whoever has the hash of the body already, or signs
// [UnsignedPayload]. X-Amz-Content-Sha256 has to say so where it is no hash.
func SignPayload(r *http.Request, payload string, c Credentials, region, service string, at time.Time) {
	at = at.UTC()
	r.Header.Set(dateHeader, at.Format(timeFormat))
	r.Header.Del(tokenHeader)
	if c.SessionToken != "" {
		r.Header.Set(tokenHeader, c.SessionToken)
	}
	s := scope{day: at.Format(dayFormat), region: region, service: service}
	signed := append(mustBeSigned(r.Header, false), "host")
	slices.Sort(signed)
	canonical := form{service: service, signed: signed, payload: payload}.canonical(r)
	signature := s.signature(c.SecretAccessKey, at.Format(timeFormat), canonical)
	r.Header.Set("Authorization", algorithm+
		" Credential="+c.AccessKeyID+"/"+s.String()+
		", SignedHeaders="+strings.Join(signed, ";")+
		", Signature="+hex.EncodeToString(signature))
}

// Presign puts a signature that is good for life, in whole seconds, into the
// query of r, for payload (a hash, or [UnsignedPayload]). What [Sign] says of
// headers applies: who uses the URL has to send the same.
func Presign(r *http.Request, payload string, c Credentials, region, service string, at time.Time, life time.Duration) {
	at = at.UTC()
	s := scope{day: at.Format(dayFormat), region: region, service: service}
	signed := append(mustBeSigned(r.Header, false), "host")
	slices.Sort(signed)
	query := r.URL.Query()
	query.Set(algorithmParameter, algorithm)
	query.Set(credentialParameter, c.AccessKeyID+"/"+s.String())
	query.Set(dateHeader, at.Format(timeFormat))
	query.Set(expiresParameter, strconv.Itoa(int(life/time.Second)))
	query.Set(signedParameter, strings.Join(signed, ";"))
	if c.SessionToken != "" {
		query.Set(tokenHeader, c.SessionToken)
	}
	query.Del(signatureParameter)
	r.URL.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // a space, as it is signed
	canonical := form{service: service, signed: signed, payload: payload, presigned: true}.canonical(r)
	signature := s.signature(c.SecretAccessKey, at.Format(timeFormat), canonical)
	r.URL.RawQuery += "&" + signatureParameter + "=" + hex.EncodeToString(signature)
}

// mustBeSigned lists the headers, in lower case, that a signature has to cover whenever
// they are present.
func mustBeSigned(header http.Header, unsignedType bool) []string {
	var names []string
	for name := range header {
		lower := strings.ToLower(name)
		if lower == "content-type" && !unsignedType || strings.HasPrefix(lower, "x-amz-") {
			names = append(names, lower)
		}
	}
	return names
}

// scope is what a signing key is good for.
type scope struct{ day, region, service string }

func (s scope) String() string {
	return s.day + "/" + s.region + "/" + s.service + "/" + terminator
}

// signature derives the signing key and signs the string to sign.
func (s scope) signature(key secret.String, at string, canonical []byte) []byte {
	derived := []byte("AWS4" + key.Reveal())
	for _, part := range []string{s.day, s.region, s.service, terminator} {
		derived = mac(derived, part)
	}
	return mac(derived, algorithm+"\n"+at+"\n"+s.String()+"\n"+hashOf(canonical))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
