package amplifystore_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/amplifystore"
)

// MyCustomStorage is the custom storage of Amplify's guide, in Go. In its place
// stands whatever the front end's storage talks to, such as a database.
type MyCustomStorage struct {
	mu            sync.Mutex
	storageObject map[string]string
}

func (s *MyCustomStorage) SetItem(_ context.Context, key, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storageObject[key] = value
	return nil
}

func (s *MyCustomStorage) Item(_ context.Context, key string) (string, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.storageObject[key]
	return value, ok, nil
}

func (s *MyCustomStorage) RemoveItem(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.storageObject, key)
	return nil
}

func (s *MyCustomStorage) Clear(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.storageObject)
	return nil
}

// A custom storage that a JavaScript front end uses as well.
func Example() {
	ctx := context.Background()
	storage := &MyCustomStorage{storageObject: make(map[string]string)}
	sessions := amplifystore.New(storage) // for the Store of a client's configuration

	account := store.Account{
		Scope:    store.Scope{PoolID: "us-east-1_AbCdEf123", ClientID: "1h57kf5cpq17m0eml12EXAMPLE"},
		Username: "alice",
	}
	record := store.Record{Generation: 1, Account: account, Tokens: &store.Tokens{
		Access: store.NewSecret("eyJ…access"), ID: store.NewSecret("eyJ…id"), Refresh: store.NewSecret("eyJ…refresh"),
	}}
	if err := sessions.Save(ctx, record, 0); err != nil {
		fmt.Println(err)
		return
	}
	if err := sessions.SetActive(ctx, account); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(storage.storageObject["CognitoIdentityServiceProvider.1h57kf5cpq17m0eml12EXAMPLE.LastAuthUser"])
	fmt.Println(storage.storageObject["CognitoIdentityServiceProvider.1h57kf5cpq17m0eml12EXAMPLE.alice.accessToken"])
	// Output:
	// alice
	// eyJ…access
}

// Moving an application's storage to memory, as for a test.
func ExampleNewMap() {
	sessions := amplifystore.New(amplifystore.NewMap())
	_, err := sessions.Active(context.Background(), store.Scope{PoolID: "us-east-1_AbCdEf123", ClientID: "1h57kf5cpq17m0eml12EXAMPLE"})
	fmt.Println(err)
	// Output: store: no such record
}
