package memory_test

import (
	"context"
	"fmt"
	"log"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// A service whose users are gone when the process ends.
func ExampleNew() {
	store := memory.New()
	defer store.Close()
	service, err := server.New(server.Config{Storage: store, SealingKeys: []server.SealingKey{server.NewKey()}, PublicURL: "http://127.0.0.1:9229"})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	err = service.Call(context.Background(), "CreateUserPool", map[string]any{"PoolName": "staff"}, nil)
	fmt.Println(err)
	// Output: <nil>
}
