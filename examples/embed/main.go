package main

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/mail"
	"github.com/latchkey-auth/latchkey/server/plug"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("embed", flag.ContinueOnError)
	address := flags.String("listen", ":443", "address to listen on")
	publicURL := flags.String("public-url", "", "how clients reach the service")
	certificate, key := flags.String("cert", "", "certificate, PEM"), flags.String("key", "", "its private key, PEM")
	smtp, from := flags.String("smtp", "", "SMTP server, host:port, with STARTTLS"), flags.String("from", "", "sender of mail")
	database := flags.String("db", "users.db", "database file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sealingKey, err := server.ParseKey(os.Getenv("SEALING_KEY")) // once: server.NewKey().Reveal()
	if err != nil {
		return fmt.Errorf("SEALING_KEY: %w", err)
	}
	credentialKey, err := hex.DecodeString(os.Getenv("CREDENTIAL_KEY"))
	if err != nil {
		return fmt.Errorf("CREDENTIAL_KEY: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(*certificate, *key)
	if err != nil {
		return err
	}
	e, err := open(ctx, settings{
		publicURL: *publicURL, database: *database, sealingKey: sealingKey, credentialKey: credentialKey,
		mail:    mail.Config{Server: *smtp, From: *from, Encryption: mail.StartTLS, Username: os.Getenv("SMTP_USER"), Password: plug.NewSecret(os.Getenv("SMTP_PASSWORD"))},
		adminID: "operations", adminSecret: plug.NewSecret(os.Getenv("ADMIN_SECRET")), logger: slog.Default(),
	})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, e.close(closing))
	}()
	if err := e.provision(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	fmt.Printf("pool %s, client %s, identity pool %s\n", poolID, clientID, identityID)
	return e.Serve(ctx, tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}}))
}
