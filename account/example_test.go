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
		session, err := own.ConfirmSignUp(ctx, "ann", code, account.ContinueSession(signedUp.Session))
		if err != nil {
			log.Fatal(err)
		}
		login := latchkey.Password("ann", "Correct-Horse-9")
		if !session.IsZero() { // the pool signs the user in without the password
			login = latchkey.AutoSignIn("ann", session)
		}
		if _, err := client.SignIn(ctx, login); err != nil {
			log.Fatal(err)
		}
	}
}
