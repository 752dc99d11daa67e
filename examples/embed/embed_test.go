package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/account"
	"github.com/latchkey-auth/latchkey/server"
	"github.com/latchkey-auth/latchkey/server/mail"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// certify makes a certificate for loopback and writes its authority, which is itself, to a file.
func certify(t *testing.T) (pair tls.Certificate, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile
}

// listenSMTP receives mail and passes each letter on.
func listenSMTP(t *testing.T) (address string, letters <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	received := make(chan string, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go receive(conn, received)
		}
	}()
	return listener.Addr().String(), received
}

// receive is the server's side of an SMTP conversation.
func receive(conn net.Conn, letters chan<- string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(text string) { fmt.Fprint(conn, text+"\r\n") }
	say("220 ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch command := strings.ToUpper(strings.Fields(line + " x")[0]); command {
		case "DATA":
			say("354 go on")
			var letter bytes.Buffer
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				letter.WriteString(line)
			}
			letters <- letter.String()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// start runs the program's service and returns the configuration of a client.
func start(t *testing.T, database string, key server.SealingKey, smtp string) (config latchkey.Config, stop func()) {
	t.Helper()
	pair, caFile := certify(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "https://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	e, err := open(ctx, settings{
		publicURL: url, database: database, sealingKey: key, credentialKey: bytes.Repeat([]byte{1}, 32),
		mail:    mail.Config{Server: smtp, From: "Example <no-reply@example.com>", Encryption: mail.NoTLS},
		adminID: "operations", adminSecret: plug.NewSecret("s3cret"), logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.provision(ctx); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- e.Serve(ctx, tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}}))
	}()
	stop = func() {
		cancel()
		closing, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		if err := errors.Join(<-served, e.close(closing)); err != nil {
			t.Error(err)
		}
	}
	return latchkey.Config{
		UserPoolID: poolID, ClientID: clientID, IdentityPoolID: identityID,
		UserPoolEndpoint: url, IdentityPoolEndpoint: url, Issuer: url + "/" + poolID, CAFile: caFile,
	}, stop
}

var code = regexp.MustCompile(`\b[0-9]{6}\b`)

// TestEmbedded signs a user up with the code from the mail and signs the user in, over TLS,
// then starts the service again on its database, where the user is still there.
func TestEmbedded(t *testing.T) {
	ctx := t.Context()
	database, key := filepath.Join(t.TempDir(), "users.db"), server.NewKey()
	smtp, letters := listenSMTP(t)
	config, stop := start(t, database, key, smtp)

	client, err := latchkey.New(config)
	if err != nil {
		t.Fatal(err)
	}
	own := account.Of(client)
	const password = "Correct-Horse-9"
	if _, err := own.SignUp(ctx, "ann", password, map[string]string{"email": "ann@example.com"}); err != nil {
		t.Fatal(err)
	}
	select {
	case letter := <-letters:
		_, body, _ := strings.Cut(letter, "\r\n\r\n")
		if _, err := own.ConfirmSignUp(ctx, "ann", code.FindString(body)); err != nil {
			t.Fatalf("%v with the code from %q", err, body)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("no mail arrived")
	}
	if _, err := client.SignIn(ctx, latchkey.Password("ann@example.com", password)); err != nil {
		t.Fatal(err)
	}
	session, err := client.FetchSession(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if credentials, err := session.Credentials(); err != nil || credentials.AccessKeyID == "" {
		t.Errorf("credentials: %v", err)
	}
	wantUnsigned(t, config)
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	stop()

	config, stop = start(t, database, key, smtp)
	defer stop()
	again, err := latchkey.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.SignIn(ctx, latchkey.Password("ann", password)); err != nil {
		t.Errorf("after the second start: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// wantUnsigned checks that the administrator's key is needed over HTTP.
func wantUnsigned(t *testing.T, config latchkey.Config) {
	t.Helper()
	roots := x509.NewCertPool()
	data, err := os.ReadFile(config.CAFile)
	if err != nil || !roots.AppendCertsFromPEM(data) {
		t.Fatalf("read the authority: %v", err)
	}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer web.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, config.UserPoolEndpoint+"/", strings.NewReader(`{"MaxResults":1}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.ListUserPools")
	answer, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("ListUserPools without a signature: %s", answer.Status)
	}
}

// TestRefusals names the setting that is wrong.
func TestRefusals(t *testing.T) {
	t.Setenv("SEALING_KEY", "short")
	if err := run(t.Context(), []string{"-public-url", "https://auth.example.com"}); err == nil || !strings.Contains(err.Error(), "SEALING_KEY") {
		t.Errorf("error %v", err)
	}
}
