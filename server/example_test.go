package server_test

import (
	"context"
	"fmt"
	"log"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// A program provisions the service that it embeds, and signs a user in.
func ExampleServer_Call() {
	store := memory.New() // or sqlite.Open
	defer store.Close()
	service, err := server.New(server.Config{
		Storage: store, PublicURL: "https://auth.example.com",
		SealingKeys: []server.SealingKey{server.NewKey()}, // store its Reveal, read it with ParseKey
	})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	ctx := context.Background()
	call := func(operation string, in, out any) {
		if err := service.Call(ctx, operation, in, out); err != nil {
			log.Fatal(err)
		}
	}
	type m = map[string]any

	var pool struct{ UserPool struct{ Id string } }
	call("CreateUserPool", m{"PoolName": "staff"}, &pool)
	id := pool.UserPool.Id

	var client struct{ UserPoolClient struct{ ClientId string } }
	call("CreateUserPoolClient", m{
		"UserPoolId": id, "ClientName": "intranet", "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	}, &client)

	call("AdminCreateUser", m{"UserPoolId": id, "Username": "ann", "MessageAction": "SUPPRESS"}, nil)
	call("AdminSetUserPassword", m{"UserPoolId": id, "Username": "ann", "Password": "Correct-Horse-9", "Permanent": true}, nil)

	var session struct {
		AuthenticationResult struct{ TokenType, AccessToken string }
	}
	call("InitiateAuth", m{
		"ClientId": client.UserPoolClient.ClientId, "AuthFlow": "USER_PASSWORD_AUTH",
		"AuthParameters": m{"USERNAME": "ann", "PASSWORD": "Correct-Horse-9"},
	}, &session)
	fmt.Println(session.AuthenticationResult.TokenType)

	err = service.Call(ctx, "AdminGetUser", m{"UserPoolId": id, "Username": "bob"}, nil)
	fmt.Println(err)
	// Output:
	// Bearer
	// server: call AdminGetUser: UserNotFoundException: User does not exist.
}
