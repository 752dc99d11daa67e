package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// startGrantTargets starts both servers, signed in at each. signature is what one
// costs the peer.
func startGrantTargets() (targets []*target, signature time.Duration, stop func(), err error) {
	w, err := newWorkshop()
	if err != nil {
		return nil, 0, func() {}, err
	}
	stop = func() {
		for _, t := range targets {
			t.peer.stop()
		}
		w.close()
	}
	for _, start := range []func() (*target, error){w.latchkeyGrants, w.oidcProviderGrants} {
		t, err := start()
		if t != nil && t.peer != nil {
			targets = append(targets, t)
		}
		if err != nil {
			return targets, 0, stop, err
		}
	}
	signature, err = w.peerSignature()
	return targets, signature, stop, err
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
	t := &target{name: "latchkey", peer: p, calls: map[string]step{"code grant": g.run}}
	return t, g.enter(nil, ready.Username, ready.Password)
}

func (w *workshop) oidcProvider(args ...string) (*exec.Cmd, error) {
	script, err := filepath.Abs("oidcprovider/server.js")
	if err != nil {
		return nil, err
	}
	command := exec.Command("node", append([]string{script}, args...)...)
	command.Dir, command.Stderr = w.dir, os.Stderr
	command.Env = w.environment("NODE_ENV=production")
	return command, nil
}

func (w *workshop) oidcProviderGrants() (*target, error) {
	command, err := w.oidcProvider()
	if err != nil {
		return nil, err
	}
	if _, err := command.StdinPipe(); err != nil { // closed when we end
		return nil, err
	}
	p, url, err := startAndRead(command)
	if err != nil {
		return &target{peer: p}, err
	}
	p.url = url
	g := &codeGrant{
		base: url, authorize: "/auth", token: "/token", client: "bench", scope: "openid email profile",
		callback: "https://app.example.com/callback", verifier: oauth2.GenerateVerifier(),
	}
	t := &target{name: "oidc-provider", peer: p, calls: map[string]step{"code grant": g.run}}
	if err := p.awaitAnswer(); err != nil {
		return t, err
	}
	return t, g.enter(nil, "bench", "any")
}

// peerSignature is the CPU time of one signature by what the peer signs with.
func (w *workshop) peerSignature() (time.Duration, error) {
	command, err := w.oidcProvider("signature")
	if err != nil {
		return 0, err
	}
	out, err := command.Output()
	if err != nil {
		return 0, fmt.Errorf("oidc-provider's signature: %w", err)
	}
	nano, err := strconv.Atoi(strings.TrimSpace(string(out)))
	return time.Duration(nano), err
}
