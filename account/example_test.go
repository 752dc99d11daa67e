package account_test

import (
	"context"
	"log"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/account"
)

func ExampleAccount_SignUp() {
	ctx := context.Background()
	client, err := latchkey.New(latchkey.Config{UserPoolID: "us-east-1_abc123DEF", ClientID: "1example23456789"})
	if err != nil {
		log.Fatal(err)
	}
	own := account.Of(client)
	signedUp, err := own.SignUp(ctx, "ann", "Correct-Horse-9", map[string]string{"email": "ann@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	if !signedUp.Confirmed {
		code := "123456" // what the user types
		if err := own.ConfirmSignUp(ctx, "ann", code); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := client.SignIn(ctx, latchkey.Password("ann", "Correct-Horse-9")); err != nil {
		log.Fatal(err)
	}
}
