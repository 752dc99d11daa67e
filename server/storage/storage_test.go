package storage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

func TestLoginTakenError(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("sign-up: %w", &storage.LoginTakenError{Login: "ann@example.com"})
	var taken *storage.LoginTakenError
	if !errors.As(err, &taken) || taken.Login != "ann@example.com" {
		t.Errorf("errors.As: %v", taken)
	}
	if !errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrNotFound) {
		t.Error("a taken login is an ErrExists and nothing else")
	}
	if text := err.Error(); !strings.Contains(text, `"ann@example.com"`) {
		t.Errorf("text %q does not name the login", text)
	}
}

func TestLoginLinkedError(t *testing.T) {
	t.Parallel()
	login := storage.Login{Provider: "idp.example.com", Subject: "s-1"}
	err := fmt.Errorf("link: %w", &storage.LoginLinkedError{Login: login})
	if linked, ok := errors.AsType[*storage.LoginLinkedError](err); !ok || linked.Login != login {
		t.Errorf("errors.AsType: %v", linked)
	}
	if !errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrNotFound) {
		t.Error("a linked login is an ErrExists and nothing else")
	}
	if text := err.Error(); !strings.Contains(text, "idp.example.com") || !strings.Contains(text, "s-1") {
		t.Errorf("text %q does not name the login", text)
	}
}

func ExampleStore() {
	var db storage.Store = memory.New()
	defer db.Close()
	ctx := context.Background()

	err := db.Update(ctx, func(tx storage.Tx) error {
		if err := tx.Pools.Insert(storage.Pool{ID: "us-east-1_Example00"}); err != nil {
			return err
		}
		return tx.Users.Insert(storage.User{
			PoolID: "us-east-1_Example00", Sub: "8d3f", Username: "ann", Logins: []string{"ann", "ann@example.com"},
		})
	})
	fmt.Println("inserted:", err)

	err = db.Update(ctx, func(tx storage.Tx) error {
		user, err := tx.Users.Lookup("us-east-1_Example00", "ann@example.com")
		if err != nil {
			return err
		}
		user.Enabled = true
		return tx.Users.Update(user)
	})
	fmt.Println("updated:", err)

	err = db.View(ctx, func(tx storage.Tx) error {
		user, err := tx.Users.BySub("us-east-1_Example00", "8d3f")
		fmt.Println(user.Username, user.Enabled)
		return err
	})
	fmt.Println("viewed:", err)

	err = db.View(ctx, func(tx storage.Tx) error {
		_, err := tx.Users.Lookup("us-east-1_Example00", "bob")
		return err
	})
	fmt.Println(errors.Is(err, storage.ErrNotFound))
	// Output:
	// inserted: <nil>
	// updated: <nil>
	// ann true
	// viewed: <nil>
	// true
}
