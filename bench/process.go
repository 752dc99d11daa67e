package main

import (
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/bench/measure"
)

// benchProcess measures whole processes: the start of the command, and the
// start and idle memory of the service.
func benchProcess(b *bench) error {
	w, err := newWorkshop()
	if err != nil {
		return err
	}
	defer w.close()
	latchkey, err := w.build("latchkey", "..", "./cmd/latchkey")
	if err != nil {
		return err
	}
	hello, err := w.build("hello", ".", "./hello")
	if err != nil {
		return err
	}
	if err := b.services(w, latchkey); err != nil {
		return err
	}
	return b.commands(w, latchkey, hello)
}

// services compares start and idle memory of the service with the peer's.
func (b *bench) services(w *workshop, binary string) error {
	var first, memory [2][]float64
	for range max(3, b.rounds/2) {
		own, _, err := w.startLatchkey(binary)
		if err != nil {
			return err
		}
		peer, err := w.startCognitoLocal()
		if err != nil {
			own.stop()
			return err
		}
		time.Sleep(500 * time.Millisecond) // let both come to rest
		for i, p := range []*process{own, peer} {
			first[i] = append(first[i], float64(p.first))
			memory[i] = append(memory[i], float64(p.memory())/(1<<20))
			p.stop()
		}
	}
	var rows [][]string
	for i, name := range []string{"latchkey up, second start on its data", "cognito-local"} {
		f, m := measure.Spread(first[i]), measure.Spread(memory[i])
		rows = append(rows, []string{name, measure.Show(f.Median), fmt.Sprintf("%.1f MB", m.Median)})
	}
	b.table([]string{"service", "start to first answer", "idle PSS"}, rows)
	fmt.Fprintf(b.out, "\nStart: %s of cognito-local; memory: %s.\n\n", pairwise(first[0], first[1]), pairwise(memory[0], memory[1]))
	return nil
}

// commands compares `latchkey token` and `latchkey credentials` with the smallest
// cobra program.
func (b *bench) commands(w *workshop, latchkey, hello string) error {
	service, ready, err := w.startLatchkey(latchkey)
	if err != nil {
		return err
	}
	login := exec.Command(latchkey, "login", ready.Username, "--password-stdin", "--config", ready.ConfigFile)
	login.Env, login.Stdin = w.environment(), strings.NewReader(ready.Password+"\n")
	out, err := login.CombinedOutput()
	if err == nil {
		first := exec.Command(latchkey, "credentials", "--config", ready.ConfigFile)
		first.Env = w.environment()
		_, err = first.Output() // from now on they are in the store
	}
	service.stop() // the commands must not need it
	if err != nil {
		return fmt.Errorf("latchkey login, credentials: %w\n%s", err, out)
	}
	var failed error
	spawn := func(name string, args ...string) measure.Contestant {
		return measure.Contestant{Name: strings.Join(append([]string{name[strings.LastIndexByte(name, '/')+1:]}, args[:min(1, len(args))]...), " "),
			Wall: true, Op: func(n int) {
				for range n {
					command := exec.Command(name, args...)
					command.Env = w.environment()
					if err := command.Run(); err != nil {
						failed = fmt.Errorf("%s %v: %w", name, args, err)
					}
				}
			}}
	}
	contestants := []measure.Contestant{
		spawn(hello), spawn(latchkey, "token", "--config", ready.ConfigFile), spawn(latchkey, "credentials", "--config", ready.ConfigFile),
	}
	peers, missing := w.credentialPeers()
	results := measure.Rounds(b.rounds, append(contestants, peers...)...)
	ratio := results[1].Over(results[0].Times(1))
	rows := [][]string{{results[0].Name + " (cobra)", results[0].Range(), "1"}}
	for _, r := range results[1:] {
		rows = append(rows, []string{r.Name, r.Range(), r.Over(results[0].Times(1)).String()})
	}
	b.table([]string{"command, whole process", "wall time", "ratio"}, rows)
	b.atMost(2.1, results[2].Over(results[0].Times(1)).Median, "latchkey credentials from a valid store: of a hello-world cobra program")
	for _, peer := range missing {
		fmt.Fprintf(b.out, "\nNot measured here: %s\n", peer)
	}
	for _, peer := range results[3:] {
		b.atMost(0.5, results[2].Over(peer.Times(1)).Median, "latchkey credentials from a valid store: of "+peer.Name)
	}
	b.atMost(2.5, ratio.Median, "latchkey token from a valid stored session: of a hello-world cobra program")
	return failed
}
