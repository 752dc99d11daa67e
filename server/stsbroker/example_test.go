package stsbroker_test

import (
	"log"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/stsbroker"
)

// A service whose identity pools give credentials of AWS. AWS must be able to fetch the
// discovery documents of the pools at the public URL.
func ExampleNew() {
	broker, err := stsbroker.New(stsbroker.Config{Region: "eu-west-1"})
	if err != nil {
		log.Fatal(err)
	}
	config := server.Config{PublicURL: "https://auth.example.com", Broker: broker}
	_ = config // and Storage and SealingKeys, for server.New
}
