package plug_test

import (
	"context"
	"fmt"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// printer is a messenger for development: it prints whom a message is for, and no code.
type printer struct{}

func (printer) Send(_ context.Context, m plug.Message) error {
	fmt.Println(m.Purpose, "by", m.Medium, "to", m.Address, "with the code", m.Code)
	return nil
}

// A messenger of a program's own, for server.Config.Messenger.
func ExampleMessenger() {
	var messenger plug.Messenger = printer{}
	err := messenger.Send(context.Background(), plug.Message{
		Purpose: plug.PurposeSignUp, Medium: plug.MediumEmail, Address: "ann@example.com", Code: plug.NewSecret("123456"),
	})
	fmt.Println(err)
	// Output:
	// SignUp by EMAIL to ann@example.com with the code [redacted]
	// <nil>
}
