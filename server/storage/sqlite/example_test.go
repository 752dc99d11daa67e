package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/latchkey-auth/latchkey/server/storage/sqlite"
)

// One process at a time has the database open.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "users")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx, path := context.Background(), filepath.Join(folder, "users.db")
	store, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	_, err = sqlite.Open(ctx, path, sqlite.Options{})
	fmt.Println(errors.Is(err, sqlite.ErrInUse))
	// Output: true
}
