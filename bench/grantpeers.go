package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/oauth2"
)

// The two lines of the table. Signatures that cost nothing show what the rest of a
// grant costs.
const (
	signedGrant   = "code grant"
	unsignedGrant = "code grant, null signers"
)

// startGrantTargets starts both servers, each as it is and signing nothing, and signs
// in at each.
func startGrantTargets() (targets []*target, stop func(), err error) {
	w, err := newWorkshop()
	if err != nil {
		return nil, func() {}, err
	}
	stop = func() {
		for _, t := range targets {
			t.peer.stop()
		}
		w.close()
	}
	for _, start := range []func() (*target, error){
		w.latchkeyGrants, func() (*target, error) { return w.oidcProviderGrants(signedGrant) },
		w.unsignedGrants, func() (*target, error) { return w.oidcProviderGrants(unsignedGrant, "null") },
	} {
		t, err := start()
		if t != nil && t.peer != nil {
			targets = append(targets, t)
		}
		if err != nil {
			return targets, stop, err
		}
	}
	return targets, stop, nil
}

// latchkeyGrants is `latchkey up` with an app client of the benchmark's.
func (w *workshop) latchkeyGrants() (*target, error) {
	binary, err := w.build("latchkey", "..", "./cmd/latchkey")
	if err != nil {
		return nil, err
	}
	p, ready, err := w.startLatchkey(binary)
	if err != nil {
		return &target{peer: p}, err
	}
	g := latchkeyGrant(p.url, ready.UserPoolID, ready.ClientID)
	t := &target{name: "latchkey", peer: p, calls: map[string]step{signedGrant: g.run}}
	return t, g.enter(nil, ready.Username, ready.Password)
}

// unsignedGrants is this program as a service over the same storage that signs nothing.
func (w *workshop) unsignedGrants() (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(self, "-null-signer")
	command.Env, command.Stderr = w.environment("GOMAXPROCS=1", "TMPDIR="+w.dir), os.Stderr
	p, line, err := startWithInput(command)
	if err != nil {
		return &target{peer: p}, err
	}
	where := strings.Fields(line)
	if len(where) != 3 {
		return &target{peer: p}, fmt.Errorf("the service that signs nothing said %q", line)
	}
	p.url = where[0]
	g := latchkeyGrant(p.url, where[1], where[2])
	t := &target{name: "latchkey", peer: p, calls: map[string]step{unsignedGrant: g.run}}
	return t, g.enter(nil, srpUser, srpPassword)
}

// serveUnsigned is that service: it says where it is, and its pool and app client.
func serveUnsigned() error {
	w, err := newWorld(nullSigner{})
	if err != nil {
		return err
	}
	g, err := w.codeGrant()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s %s %s\n", listener.Addr(), w.pool, g.client)
	return serveForParent(listener, w.handler)
}

// startWithInput is startAndRead for a program that ends when its input does.
func startWithInput(command *exec.Cmd) (*process, string, error) {
	if _, err := command.StdinPipe(); err != nil { // closed when we end
		return nil, "", err
	}
	return startAndRead(command)
}

// oidcProviderGrants is the peer from npm, with these arguments.
func (w *workshop) oidcProviderGrants(line string, args ...string) (*target, error) {
	script, err := filepath.Abs("oidcprovider/server.js")
	if err != nil {
		return nil, err
	}
	command := exec.Command("node", append([]string{script}, args...)...)
	command.Dir, command.Stderr, command.Env = w.dir, os.Stderr, w.environment("NODE_ENV=production")
	p, url, err := startWithInput(command)
	if err != nil {
		return &target{peer: p}, err
	}
	p.url = url
	g := &codeGrant{
		base: url, authorize: "/auth", token: "/token", client: "bench", scope: "openid email profile",
		callback: "https://app.example.com/callback", verifier: oauth2.GenerateVerifier(),
	}
	t := &target{name: "oidc-provider", peer: p, calls: map[string]step{line: g.run}}
	if err := p.awaitAnswer(); err != nil {
		return t, err
	}
	return t, g.enter(nil, "bench", "any")
}
