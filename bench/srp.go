package main

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"time"

	"github.com/latchkey-auth/latchkey/bench/measure"
	"github.com/latchkey-auth/latchkey/internal/srp"
)

// The obvious implementation of both sides: math/big throughout and 1,024-bit
// secrets, as the public clients have them.
var (
	groupN, _ = new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF", 16)
	groupG    = big.NewInt(2)
	groupK    = number(pad(groupN), pad(groupG))
)

func pad(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		return append([]byte{0}, b...)
	}
	return b
}

func number(parts ...[]byte) *big.Int {
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return new(big.Int).SetBytes(sum[:])
}

func secret1024() *big.Int {
	var b [128]byte
	rand.Read(b[:])
	return new(big.Int).SetBytes(b[:])
}

func sessionKey(s, u *big.Int) []byte {
	key, err := hkdf.Key(sha256.New, pad(s), pad(u), "Caldera Derived Key", 16)
	if err != nil {
		panic(err) // the length is constant
	}
	return key
}

const (
	srpPool, srpUser, srpPassword = "aB3dEfGhI", "8d3f1c2e-4b5a-4c6d-8e7f-0123456789ab", "Correct-Horse-9"
)

var secretBlock = bytes.Repeat([]byte{7}, 900)

func passwordHash(salt []byte) *big.Int {
	inner := sha256.Sum256([]byte(srpPool + srpUser + ":" + srpPassword))
	return number(pad(new(big.Int).SetBytes(salt)), inner[:])
}

// obviousClient answers a challenge.
func obviousClient(v srp.Verifier, serverB *big.Int) []byte {
	a := secret1024()
	bigA := new(big.Int).Exp(groupG, a, groupN)
	u := number(pad(bigA), pad(serverB))
	x := passwordHash(v.Salt)
	base := new(big.Int).Exp(groupG, x, groupN)
	base.Sub(serverB, base.Mul(base, groupK)).Mod(base, groupN)
	s := base.Exp(base, a.Add(a, x.Mul(x, u)), groupN)
	mac := hmac.New(sha256.New, sessionKey(s, u))
	mac.Write(secretBlock)
	return mac.Sum(nil)
}

// obviousServer makes a challenge and checks the answer to it.
func obviousServer(v srp.Verifier, bigA *big.Int) []byte {
	b, verifier := secret1024(), new(big.Int).SetBytes(v.V)
	bigB := new(big.Int).Exp(groupG, b, groupN)
	bigB.Add(bigB, new(big.Int).Mul(groupK, verifier)).Mod(bigB, groupN)
	u := number(pad(bigA), pad(bigB))
	s := verifier.Exp(verifier, u, groupN)
	s.Mul(s, bigA).Mod(s, groupN)
	s.Exp(s, b, groupN)
	mac := hmac.New(sha256.New, sessionKey(s, u))
	mac.Write(secretBlock)
	return mac.Sum(nil)
}

// srpServer is the service's side: both calls of a sign-in, the proof made beforehand.
func srpServer(v srp.Verifier, a string) error {
	server, err := srp.NewServer(v)
	if err != nil {
		return err
	}
	if server, err = srp.RestoreServer(v, server.Secret()); err != nil {
		return err
	}
	err = server.Check(srpPool, srpUser, a, secretBlock, "Tue Feb 3 04:05:06 UTC 2026", wrongProof)
	if errors.Is(err, srp.ErrMismatch) {
		return nil // the arithmetic is the same for a wrong proof
	}
	return errors.Join(errors.New("the proof was not computed"), err)
}

var wrongProof = base64.StdEncoding.EncodeToString(make([]byte, 32))

// srpClient is the client's side.
func srpClient(v srp.Verifier, saltHex, bHex string) error {
	client, err := srp.NewClient()
	if err != nil {
		return err
	}
	_, _, err = client.Proof(srp.Challenge{Pool: srpPool, User: srpUser, SaltHex: saltHex, BHex: bHex, SecretBlock: secretBlock},
		srpPassword, time.Now())
	return err
}

func benchSRP(b *bench) error {
	v, err := srp.NewVerifier(srpPool, srpUser, srpPassword)
	if err != nil {
		return err
	}
	server, err := srp.NewServer(v)
	if err != nil {
		return err
	}
	client, err := srp.NewClient()
	if err != nil {
		return err
	}
	bigA, _ := new(big.Int).SetString(client.A(), 16)
	bigB, _ := new(big.Int).SetString(server.B(), 16)
	salt, bHex, aHex := server.Salt(), server.B(), client.A()
	var failed error
	op := func(f func() error) func(int) {
		return func(n int) {
			for range n {
				if err := f(); err != nil {
					failed = err
				}
			}
		}
	}
	nothing := func(f func()) func() error { return func() error { f(); return nil } }
	results := measure.Rounds(b.rounds,
		measure.Contestant{Name: "client, the obvious way", Op: op(nothing(func() { obviousClient(v, bigB) }))},
		measure.Contestant{Name: "client, internal/srp", Op: op(func() error { return srpClient(v, salt, bHex) })},
		measure.Contestant{Name: "server, the obvious way", Op: op(nothing(func() { obviousServer(v, bigA) }))},
		measure.Contestant{Name: "server, internal/srp", Op: op(func() error { return srpServer(v, aHex) })},
		measure.Contestant{Name: "checking a plain password", Op: op(func() error {
			if !v.Matches(srpPool, srpUser, srpPassword) {
				return errors.New("the password does not match")
			}
			return nil
		})})
	clientRatio, serverRatio := results[1].Over(results[0].Times(1)), results[3].Over(results[2].Times(1))
	b.table([]string{"3072-bit group", "CPU", "ratio"}, [][]string{
		{results[0].Name, results[0].Range(), "1"}, {results[1].Name, results[1].Range(), clientRatio.String()},
		{results[2].Name, results[2].Range(), "1"}, {results[3].Name, results[3].Range(), serverRatio.String()},
		{results[4].Name, results[4].Range(), ""},
	})
	b.atMost(0.5, clientRatio.Median, "SRP client: of the obvious one")
	b.atMost(0.4, serverRatio.Median, "SRP server: of the obvious one")
	return failed
}
