package ownbroker_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"time"

	"github.com/latchkey-auth/latchkey/server/ownbroker"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// Credentials for APIs that verify signatures with package sigv4auth and the same key.
func ExampleNew() {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	broker, err := ownbroker.New(ownbroker.Config{Keys: [][]byte{key}})
	if err != nil {
		log.Fatal(err)
	}
	// server.Config.Broker makes the service ask it.
	credentials, err := broker.Credentials(context.Background(), plug.Grant{
		PoolID: "us-east-1:0b7d3a5e-9d2c-4f5a-8a51-2f7c1f0e9d11", IdentityID: "us-east-1:5f0b3c1e-7f0e-4f37-9a59-0c7f0b7e3f0e",
		RoleARN: "arn:aws:iam::123456789012:role/users", Life: time.Hour,
	})
	fmt.Println(credentials.AccessKeyID[:4], credentials.SecretAccessKey, err)
	// Output: ASIA [redacted] <nil>
}
