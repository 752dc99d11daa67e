package srp_test

import (
	"fmt"
	"time"

	"github.com/latchkey-auth/latchkey/internal/srp"
)

// A whole sign-in, with the service's two calls apart from each other.
func Example() {
	const user = "5f0c8a31-7a1e-4a0b-9d60-0d6f3a2b1c4d"
	pool, err := srp.PoolName("us-east-1_Ex4mpleP1")
	if err != nil {
		panic(err)
	}
	verifier, err := srp.NewVerifier(pool, user, "Correct-Horse-9") // at sign-up
	if err != nil {
		panic(err)
	}

	client, err := srp.NewClient()
	if err != nil {
		panic(err)
	}

	// InitiateAuth
	a, err := srp.ParseA(client.A())
	if err != nil {
		panic(err)
	}
	server, err := srp.NewServer(verifier)
	if err != nil {
		panic(err)
	}
	salt, b, sealed := server.Salt(), server.B(), server.Secret() // seal before sending
	secretBlock := []byte("what sealing made of it")

	signature, timestamp, err := client.Proof(srp.Challenge{
		Pool: pool, User: user, SaltHex: salt, BHex: b, SecretBlock: secretBlock,
	}, "Correct-Horse-9", time.Now())
	if err != nil {
		panic(err)
	}

	// RespondToAuthChallenge
	server, err = srp.RestoreServer(verifier, sealed)
	if err != nil {
		panic(err)
	}
	fmt.Println(server.CheckA(pool, user, a, secretBlock, timestamp, signature))
	// Output: <nil>
}

func ExampleTimestamp() {
	fmt.Println(srp.Timestamp(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)))
	// Output: Tue Feb 3 04:05:06 UTC 2026
}
