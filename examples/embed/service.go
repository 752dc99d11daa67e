// Command embed is a program with its own user pool: the service runs in the process, with a
// public URL, a certificate, an SMTP server, a database file, AWS-style credentials, a look
// and an administrator's key of the program's own.
//
//	SEALING_KEY=… CREDENTIAL_KEY=… ADMIN_SECRET=… SMTP_USER=… SMTP_PASSWORD=… \
//		embed -public-url https://auth.example.com -cert cert.pem -key key.pem \
//		-smtp smtp.example.com:587 -from 'Example <no-reply@example.com>' -db users.db
//
// SEALING_KEY and CREDENTIAL_KEY are 64 hexadecimal digits each ("openssl rand -hex 32"). Keep
// them outside the database. SMTP_USER and SMTP_PASSWORD may be left out for a server without
// authentication.
package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/mail"
	"github.com/latchkey-auth/latchkey/server/ownbroker"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage/sqlite"
)

// settings are what the program is started with.
type settings struct {
	publicURL, database string
	sealingKey          server.SealingKey
	credentialKey       []byte // 32 bytes, which APIs share to verify credentials
	mail                mail.Config
	adminID             string
	adminSecret         plug.Secret
	logger              *slog.Logger
}

// embedded is the service with what it was made of.
type embedded struct {
	*server.Server
	store  *sqlite.Store
	sender *mail.Sender
}

// open makes the service. Close it in the end.
func open(ctx context.Context, s settings) (*embedded, error) {
	store, err := sqlite.Open(ctx, s.database, sqlite.Options{Logger: s.logger})
	if err != nil {
		return nil, err
	}
	sender, err := mail.New(s.mail)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	e := &embedded{store: store, sender: sender}
	broker, err := ownbroker.New(ownbroker.Config{Keys: [][]byte{s.credentialKey}})
	if err == nil {
		e.Server, err = server.New(server.Config{
			Storage: store, SealingKeys: []server.SealingKey{s.sealingKey}, PublicURL: s.publicURL,
			Messenger: sender, Broker: broker,
			Brands:    plug.Brand{Stylesheet: ":root { --accent: light-dark(#7a1f5c, #f2a7d8); }"},
			AdminKeys: []server.AdminKey{{Name: "operations", ID: s.adminID, Secret: s.adminSecret}},
			Logger:    s.logger,
		})
	}
	if err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	return e, nil
}

// close ends the service and waits for mail that is on its way, until ctx ends.
func (e *embedded) close(ctx context.Context) error {
	var errs []error
	if e.Server != nil {
		errs = append(errs, e.Server.Close())
	}
	return errors.Join(append(errs, e.sender.Close(ctx), e.store.Close())...)
}

// The ids that clients need. They are pinned, so that a new database has them too.
const (
	poolID     = "us-east-1_Embedded1"
	clientID   = "embeddedwebclient000000000"
	identityID = "us-east-1:00000000-0000-4000-8000-0000000000e1"
)

// provision makes the pools and the client, unless an earlier start made them.
func (e *embedded) provision(ctx context.Context) error {
	err := e.Call(ctx, "DescribeUserPool", map[string]any{"UserPoolId": poolID}, nil)
	if !errors.Is(err, &server.Error{Code: "ResourceNotFoundException"}) {
		return err // nil if the pool exists
	}
	for _, call := range []struct {
		operation string
		in        map[string]any
	}{
		{"CreateIdentityPool", map[string]any{
			"IdentityPoolName": "staff", "IdentityPoolTags": map[string]string{"_custom_id_": identityID}, "AllowUnauthenticatedIdentities": false,
			"CognitoIdentityProviders": []map[string]any{{"ProviderName": "cognito-idp.us-east-1.amazonaws.com/" + poolID, "ClientId": clientID}},
		}},
		{"SetIdentityPoolRoles", map[string]any{
			"IdentityPoolId": identityID, "Roles": map[string]string{"authenticated": "arn:aws:iam::000000000000:role/staff"},
		}},
		{"CreateUserPool", map[string]any{
			"PoolName": "staff", "UserPoolTags": map[string]string{"_custom_id_": poolID},
			"AutoVerifiedAttributes": []string{"email"}, "AliasAttributes": []string{"email"},
		}},
		{"CreateUserPoolClient", map[string]any{
			"UserPoolId": poolID, "ClientName": "_custom_id_:" + clientID,
			"ExplicitAuthFlows": []string{"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
		}},
	} {
		if err := e.Call(ctx, call.operation, call.in, nil); err != nil {
			return err
		}
	}
	return nil
}
