package srp

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"
)

// publicVector is a handshake from another project's published test. Values
// that the project does not state are empty.
type publicVector struct {
	Name         string `json:"name"`
	Pool         string `json:"pool"`
	User         string `json:"user"`
	Password     string `json:"password"`
	SmallA       string `json:"a"`
	A            string `json:"A"`
	B            string `json:"B"`
	Salt         string `json:"salt"`
	U            string `json:"u"`
	X            string `json:"x"`
	S            string `json:"S"`
	Key          string `json:"key"`
	SecretBlock  string `json:"secret_block"`
	Timestamp    string `json:"timestamp"`
	Signature    string `json:"signature"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	SecretHash   string `json:"secret_hash"`
}

// TestPublicVectors checks the client against the numbers that
// cognito-srp-helper and amplify-android publish, whole handshakes of real
// length. (amplify-android's own m1 is made with the base64 text of the key in
// the place of the key; the signature here is the one over the key.)
func TestPublicVectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/public-srp.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []publicVector
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) != 2 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, c := range vectors {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			checkPublicVector(t, c)
		})
	}
}

func checkPublicVector(t *testing.T, c publicVector) {
	client := fixedClient(unhex(t, c.SmallA))
	same(t, "A", client.A(), c.A)
	block := unbase64(t, c.SecretBlock)
	challenge := Challenge{Pool: c.Pool, User: c.User, SaltHex: c.Salt, BHex: c.B, SecretBlock: block}
	salt, b, err := challenge.numbers()
	if err != nil {
		t.Fatal(err)
	}
	u, err := scrambler(client.public, b)
	if err != nil {
		t.Fatal(err)
	}
	x := privateKey(c.Pool, c.User, c.Password, salt)
	s := clientPremaster(b, x, u, client.a)
	key, err := sessionKey(s, u)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []struct{ what, got, want string }{
		{"x", encodeHex(x), c.X}, {"u", encodeHex(u), c.U}, {"S", encodeHex(s.bytes()), c.S},
		{"key", base64.StdEncoding.EncodeToString(key), c.Key},
	} {
		if value.want != "" {
			same(t, value.what, value.got, value.want)
		}
	}
	at, err := ParseTimestamp(c.Timestamp)
	if err != nil {
		t.Fatal(err)
	}
	signature, timestamp, err := client.Proof(challenge, c.Password, at)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "timestamp", timestamp, c.Timestamp)
	same(t, "signature", signature, c.Signature)
	if c.ClientSecret != "" {
		same(t, "SECRET_HASH", SecretHash(c.User, c.ClientID, c.ClientSecret), c.SecretHash)
	}
}
