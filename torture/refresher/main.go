// Refresher is a program of the smallest kind that uses a stored session. It is
// what the tests of package torture kill, and start fifty of.
//
//	refresher -endpoint URL -pool ID -client ID -dir FOLDER [-pin] [-barrier]
//
// It opens the sessions in FOLDER, prints "ready", refreshes the session, prints
// one line of JSON and ends with code 0, whatever came of it. With -pin it does
// not print "ready", so that its first write is the request.
//
// With -barrier it instead waits for a line on its standard input, starts anew
// on the folder as a program that was just launched would, fetches the session,
// prints the line of JSON, and does so again until its input is closed.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/filestore"
)

// report is what the program found. Token is a hash: it tells access tokens
// apart without showing them.
type report struct {
	SignedIn bool   `json:"signed_in"`
	Token    string `json:"token"`
	Error    string `json:"error"`
}

type program struct {
	config   latchkey.Config
	dir      string
	pin      bool
	barrier  bool
	announce *json.Encoder
}

func main() {
	p := program{announce: json.NewEncoder(os.Stdout)}
	flag.StringVar(&p.config.UserPoolEndpoint, "endpoint", "", "`URL` of the service")
	flag.StringVar(&p.config.UserPoolID, "pool", "", "`id` of the user pool")
	flag.StringVar(&p.config.ClientID, "client", "", "`id` of the app client")
	flag.StringVar(&p.dir, "dir", "", "`folder` of the sessions")
	flag.BoolVar(&p.pin, "pin", false, "do all work of the store on one thread, so that its system calls can be counted")
	flag.BoolVar(&p.barrier, "barrier", false, "fetch once for each line of standard input")
	flag.Parse()
	if err := p.run(); err != nil {
		fmt.Fprintln(os.Stderr, "refresher:", err)
		os.Exit(1)
	}
}

func (p *program) run() error {
	if !p.barrier {
		return p.fetch(latchkey.ForceRefresh())
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := p.fetch(); err != nil {
			return err
		}
	}
	return lines.Err()
}

// fetch opens the sessions, fetches and reports.
func (p *program) fetch(options ...latchkey.FetchOption) error {
	files, err := filestore.New(p.dir)
	if err != nil {
		return err
	}
	config := p.config
	config.Store = files
	if p.pin {
		config.Store = pin(files)
	}
	client, err := latchkey.New(config)
	if err != nil {
		return err
	}
	if !p.pin && !p.barrier {
		fmt.Println("ready")
	}
	found := describe(client.FetchSession(context.Background(), options...))
	if err := client.Close(); err != nil {
		found.Error += " close: " + err.Error()
	}
	return p.announce.Encode(found)
}

func describe(session *latchkey.Session, err error) report {
	if err != nil {
		return report{Error: err.Error()}
	}
	found := report{SignedIn: session.SignedIn()}
	tokens, err := session.Tokens()
	if err != nil {
		found.Error = err.Error()
		return found
	}
	sum := sha256.Sum256([]byte(tokens.Access.Raw()))
	found.Token = hex.EncodeToString(sum[:8])
	return found
}

// lockingStore is what filestore is.
type lockingStore interface {
	store.Store
	store.Locker
}
