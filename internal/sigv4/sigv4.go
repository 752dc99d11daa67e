// Package sigv4 signs HTTP requests with AWS Signature Version 4 and verifies
// such signatures, in the form with an Authorization header.
//
// [Sign] is what this module's command does to its administrative calls.
// [Verifier] is what stands before the operations of the service that demand a
// signature. Both build the canonical request with the same code, after AWS's
// "Create a signed AWS API request" (IAM User Guide); the rule for services
// other than Amazon S3 applies, by which the path is encoded once more.
//
// Presigned URLs, chunked uploads and the asymmetric Signature Version 4a are
// not part of it: no client of Cognito uses them.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
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
	at = at.UTC()
	r.Header.Set(dateHeader, at.Format(timeFormat))
	r.Header.Del(tokenHeader)
	if c.SessionToken != "" {
		r.Header.Set(tokenHeader, c.SessionToken)
	}
	s := scope{day: at.Format(dayFormat), region: region, service: service}
	signed := append(mustBeSigned(r.Header), "host")
	slices.Sort(signed)
	canonical := canonicalRequest(r, signed, hashOf(body))
	signature := s.signature(c.SecretAccessKey, at.Format(timeFormat), canonical)
	r.Header.Set("Authorization", algorithm+
		" Credential="+c.AccessKeyID+"/"+s.String()+
		", SignedHeaders="+strings.Join(signed, ";")+
		", Signature="+hex.EncodeToString(signature))
}

// mustBeSigned lists the headers, in small letters, that a signature has to
// cover whenever they are present.
func mustBeSigned(header http.Header) []string {
	var names []string
	for name := range header {
		if lower := strings.ToLower(name); lower == "content-type" || strings.HasPrefix(lower, "x-amz-") {
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
