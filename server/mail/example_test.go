package mail_test

import (
	"context"
	"log"
	"os"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/mail"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// A service that sends its codes by mail.
func ExampleNew() {
	sender, err := mail.New(mail.Config{
		Server: "smtp.example.com:587", From: "Example <no-reply@example.com>",
		Username: "example", Password: plug.NewSecret(os.Getenv("SMTP_PASSWORD")),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer sender.Close(context.Background())
	config := server.Config{PublicURL: "https://auth.example.com", Messenger: sender}
	_ = config // and Storage and SealingKeys, for server.New
}
