package srp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"testing"
	"time"
)

type handshakeVector struct {
	Name        string `json:"name"`
	Pool        string `json:"poolName"`
	User        string `json:"username"`
	Password    string `json:"password"`
	Salt        string `json:"salt_hex"`
	SmallA      string `json:"a_hex"`
	SmallB      string `json:"b_hex"`
	K           string `json:"k_hex"`
	X           string `json:"x_hex"`
	V           string `json:"verifier_hex"`
	VPadded     string `json:"verifier_padded_hex"`
	A           string `json:"SRP_A_hex"`
	B           string `json:"SRP_B_hex"`
	U           string `json:"u_hex"`
	S           string `json:"S_hex"`
	Key         string `json:"hkdf_key_hex"`
	SecretBlock string `json:"SECRET_BLOCK"`
	Timestamp   string `json:"TIMESTAMP"`
	Signature   string `json:"PASSWORD_CLAIM_SIGNATURE"`
}

type amplifyVectors struct {
	N      string              `json:"N_hex"`
	G      string              `json:"g_hex"`
	SRP    []handshakeVector   `json:"srp"`
	Device []map[string]string `json:"device"`
	HKDF   []struct {
		IKM  string `json:"ikm_ascii"`
		Salt string `json:"salt_hex"`
		Key  string `json:"key_hex"`
	} `json:"hkdf"`
}

func loadVectors(t *testing.T) amplifyVectors {
	t.Helper()
	text, err := os.ReadFile("testdata/amplify-srp.json")
	if err != nil {
		t.Fatal(err)
	}
	var v amplifyVectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.SRP) != 7 || len(v.Device) != 1 || len(v.HKDF) != 1 {
		t.Fatalf("cases: %d, %d, %d", len(v.SRP), len(v.Device), len(v.HKDF))
	}
	return v
}

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := decodeHex("test value", digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// fixedClient is a client with a chosen a, of any length.
func fixedClient(a []byte) *Client { return &Client{a: a, public: element{oracle(a)}} }

// fixedServer is a server with a chosen b, of any length, and no sign.
func fixedServer(t *testing.T, v Verifier, b []byte) *Server {
	t.Helper()
	e, err := v.element()
	if err != nil {
		t.Fatal(err)
	}
	return &Server{salt: v.Salt, v: e, b: b, public: serverPublic(e, element{oracle(b)})}
}

func TestAmplifyHandshakes(t *testing.T) {
	t.Parallel()
	vectors := loadVectors(t)
	same(t, "N", modulusHex, vectors.N)
	if vectors.G != "2" || generator != 2 {
		t.Error("g is not 2")
	}
	for _, c := range vectors.SRP {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			checkHandshake(t, c)
		})
	}
}

// checkHandshake compares every intermediate value of both sides.
func checkHandshake(t *testing.T, c handshakeVector) {
	salt, a, b := unhex(t, c.Salt), unhex(t, c.SmallA), unhex(t, c.SmallB)
	same(t, "k", encodeHex(params().k.Bytes()), c.K)
	x := privateKey(c.Pool, c.User, c.Password, salt)
	same(t, "x", encodeHex(x), c.X)
	v, err := DeviceVerifier(c.Pool, c.User, c.Password, salt)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "v", encodeHex(v.V), c.V)
	same(t, "PAD(v)", hex.EncodeToString(pad(v.V)), c.VPadded)

	client, server := fixedClient(a), fixedServer(t, v, b)
	same(t, "A", client.A(), c.A)
	same(t, "B", server.B(), c.B)
	same(t, "salt", server.Salt(), c.Salt)
	if len(a) <= maxExponentSize {
		same(t, "A by the comb", encodeHex(powerEphemeral(a).bytes()), c.A)
		signed, err := newServer(v, b, false)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "B by the comb", signed.B(), c.B)
	}
	u, err := scrambler(client.public, server.public)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "u", encodeHex(u), c.U)
	s := clientPremaster(server.public, x, u, a)
	same(t, "client S", encodeHex(s.bytes()), c.S)
	same(t, "server S", encodeHex(serverPremaster(client.public, server.v, u, b).bytes()), c.S)
	key, err := sessionKey(s, u)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "key", hex.EncodeToString(key), c.Key)
	checkProof(t, c, client, server)
}

// checkProof runs the exported way from challenge to answer.
func checkProof(t *testing.T, c handshakeVector, client *Client, server *Server) {
	at, err := ParseTimestamp(c.Timestamp)
	if err != nil {
		t.Fatal(err)
	}
	block := unbase64(t, c.SecretBlock)
	signature, timestamp, err := client.Proof(Challenge{c.Pool, c.User, c.Salt, c.B, block}, c.Password, at)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "timestamp", timestamp, c.Timestamp)
	same(t, "signature", signature, c.Signature)
	if err := server.Check(c.Pool, c.User, c.A, block, c.Timestamp, c.Signature); err != nil {
		t.Errorf("Check: %v", err)
	}
}

func TestAmplifyDevice(t *testing.T) {
	t.Parallel()
	for _, c := range loadVectors(t).Device {
		salt := unhex(t, c["salt_hex"])
		v, err := DeviceVerifier(c["DeviceGroupKey"], c["DeviceKey"], c["randomPassword"], salt)
		if err != nil {
			t.Fatal(err)
		}
		x := privateKey(c["DeviceGroupKey"], c["DeviceKey"], c["randomPassword"], salt)
		same(t, "x", encodeHex(x), c["x_hex"])
		same(t, "PAD(salt)", hex.EncodeToString(pad(v.Salt)), c["salt_padded_hex"])
		same(t, "PAD(v)", hex.EncodeToString(pad(v.V)), c["verifier_padded_hex"])
		saltText, verifierText := v.Device()
		same(t, "Salt", saltText, c["Salt_base64"])
		same(t, "PasswordVerifier", verifierText, c["PasswordVerifier_base64"])
		parsed, err := ParseDevice(c["Salt_base64"], c["PasswordVerifier_base64"])
		if err != nil {
			t.Fatal(err)
		}
		if !parsed.Matches(c["DeviceGroupKey"], c["DeviceKey"], c["randomPassword"]) {
			t.Error("the parsed verifier does not match its password")
		}
	}
}

func TestAmplifyHKDF(t *testing.T) {
	t.Parallel()
	for _, c := range loadVectors(t).HKDF {
		s := element{new(big.Int).SetBytes([]byte(c.IKM))}
		key, err := sessionKey(s, unhex(t, c.Salt))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "key", hex.EncodeToString(key), c.Key)
	}
}

// The values of alexrudd/cognito-srp's published test: tiny integers for a, salt and B.
func TestSmallIntegers(t *testing.T) {
	t.Parallel()
	const digits = "499602d2" // 1234567890
	client := fixedClient(unhex(t, digits))
	ch := Challenge{"myPool", "test", digits, digits, []byte("secretssecrestssecrets")}
	salt, b, err := ch.numbers()
	if err != nil {
		t.Fatal(err)
	}
	u, err := scrambler(client.public, b)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sessionKey(clientPremaster(b, privateKey(ch.Pool, ch.User, "test", salt), u, client.a), u)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "key", hex.EncodeToString(key), "d96cde6c95dda17175c1293140c5a81f")
	signature, _, err := client.Proof(ch, "test", time.Date(2018, 7, 10, 11, 1, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "signature", signature, "tdvQu/Li/qWl8Nni0aFPs+MwY4rvKZm0kSMrGIMSUHk=")
	same(t, "SECRET_HASH", SecretHash("test", "123abd", "clientSecret"), "LoIX/oPJWZzFYv8liJYRo+CHv16FNDY10JlZEDjL3Vg=")
}

// The x of amplify-android's SRPHelperTests, as a decimal number.
func TestAndroidPrivateKey(t *testing.T) {
	t.Parallel()
	x := privateKey("KO6fcefgd", "username", "Password123", unhex(t, "e7dc204cebbfda6b62b8493e932f7f4c"))
	same(t, "x", new(big.Int).SetBytes(x).String(),
		"35002972281322559225995282163712515452164094971035196098842264315967202596678")
}

// A handshake whose salt has its top bit set and whose secrets are short.
func TestBothSidesVector(t *testing.T) {
	t.Parallel()
	const (
		pool, user, password = "Ex4mpleP1", "5f0c8a31-7a1e-4a0b-9d60-0d6f3a2b1c4d", "Correct-Horse-9"
		timestamp            = "Tue Feb 3 04:05:06 UTC 2026"
		wantSignature        = "WgR+8z0M5Z7h6p80YinU4AcVYsnUIw76kt/08BthdJE="
	)
	salt := unhex(t, "8f3d2c1b0a99887766554433221100ff")
	a := unhex(t, "1f00112233445566778899aabbccddeeff00112233445566778899aabbccddee")
	b := unhex(t, "2effeeddccbbaa99887766554433221100ffeeddccbbaa998877665544332211")
	digest := func(digits string) string {
		sum := sha256.Sum256([]byte(digits))
		return hex.EncodeToString(sum[:])
	}
	v, err := DeviceVerifier(pool, user, password, salt)
	if err != nil {
		t.Fatal(err)
	}
	x := privateKey(pool, user, password, salt)
	same(t, "x", encodeHex(x), "a6736cbaa99c6658b77824d0eb588e21eada34b299bf801e38982cb7921a5431")
	same(t, "v", digest(encodeHex(v.V)), "b36d2f9e9dc550359435c1d5d33116e2619d067c877c0e1690f529408de895a3")
	client := &Client{a: a, public: powerEphemeral(a)}
	aHex := client.A()
	same(t, "A", digest(aHex), "cad0ecdb211ebfca5f03bc484ed2825806a5fc28be910cfa089c6b3f47d7fdf6")
	server, err := newServer(v, b, false)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "B", digest(server.B()), "b27320090c3f963d6903cad16a318a16afb6d2afea0939a7bd28ffde9853c4f0")
	u, err := scrambler(client.public, server.public)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "u", encodeHex(u), "e1a760a637cbefc679982c4bbdd9dcb93d5ec85044a62b6ba0952f508230e5c3")
	s := clientPremaster(server.public, x, u, a)
	same(t, "S", digest(encodeHex(s.bytes())), "ebefe0892bcef868f7140bbfa282732a164657be6a9958a320246ceae55352b2")
	key, err := sessionKey(s, u)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "key", hex.EncodeToString(key), "3a842e8d787994dd274f12b55c88e4ec")
	block := sha256.Sum256([]byte("latchkey test secret block"))
	at, err := ParseTimestamp(timestamp)
	if err != nil {
		t.Fatal(err)
	}
	signature, _, err := client.Proof(Challenge{pool, user, server.Salt(), server.B(), block[:]}, password, at)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "signature", signature, wantSignature)
	if err := server.Check(pool, user, aHex, block[:], timestamp, wantSignature); err != nil {
		t.Errorf("Check: %v", err)
	}
}
