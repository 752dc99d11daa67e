package federation

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// appleSecretLife is how long a client secret for Apple is good; one is made for
// each sign-in (Sign in with Apple, "Creating a client secret": at most six months).
const appleSecretLife = 5 * time.Minute

// appleKey reads the key of a Sign in with Apple service: PKCS #8, with or without
// the lines around it, as Apple hands it out.
func appleKey(text string) (*ecdsa.PrivateKey, error) {
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else {
		der, _ = base64.StdEncoding.DecodeString(text) // skips the line ends of a copied key
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve.Params().BitSize != 256 {
		return nil, errors.New("private_key is no P-256 key in PKCS #8; give the content of the .p8 file")
	}
	return key, nil
}

// appleSecret makes the client secret that Apple wants: a JWT signed with ES256
// (RFC 7515; RFC 7518, section 3.4).
func appleSecret(details wire.Parameters, audience string, now time.Time) (string, error) {
	key, err := appleKey(details[keyPrivate])
	if err != nil {
		return "", err
	}
	header, err := wire.Marshal(map[string]string{"alg": "ES256", "kid": details[keyKey]})
	if err != nil {
		return "", err
	}
	payload, err := wire.Marshal(map[string]any{
		"iss": details[keyTeam], "sub": details[keyClientID], "aud": audience,
		"iat": now.Unix(), "exp": now.Add(appleSecretLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString(header) + "." + b64.EncodeToString(payload)
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return "", err
	}
	return text + "." + b64.EncodeToString(append(fixed(r), fixed(s)...)), nil
}

// fixed is a number of the signature in its 32 bytes.
func fixed(n *big.Int) []byte { return n.FillBytes(make([]byte, 32)) }
