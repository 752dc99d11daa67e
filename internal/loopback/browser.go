package loopback

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Browse opens an http or https address in the person's browser: by what the
// environment variable BROWSER names (commands separated by colons, tried in turn;
// %s stands for the address), else by the system's own opener (open, rundll32,
// xdg-open). It returns once the browser was started, or has failed within three
// seconds.
func Browse(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("only http and https addresses are opened")
	}
	var failures []error
	for _, command := range openers(os.Getenv("BROWSER"), runtime.GOOS) {
		err := start(ctx, append(command[:len(command):len(command)], address), address)
		if err == nil {
			return nil
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// openers are the commands to try, without the address.
func openers(variable, system string) [][]string {
	var commands [][]string
	if system != "windows" {
		for text := range strings.SplitSeq(variable, ":") {
			if command := strings.Fields(text); len(command) > 0 {
				commands = append(commands, command)
			}
		}
	}
	switch {
	case len(commands) > 0:
		return commands
	case system == "darwin":
		return [][]string{{"open"}}
	case system == "windows":
		return [][]string{{"rundll32", "url.dll,FileProtocolHandler"}}
	}
	return [][]string{{"xdg-open"}}
}

// startTime is how long an opener is watched. One that is still running then is the
// browser itself.
const startTime = 3 * time.Second

// start runs an opener. command ends with the address, unless %s says where it goes.
func start(ctx context.Context, command []string, address string) error {
	last := len(command) - 1
	for i, word := range command[:last] {
		if strings.Contains(word, "%s") {
			command[i] = strings.ReplaceAll(word, "%s", address)
			command = command[:last]
		}
	}
	cmd := exec.Command(command[0], command[1:]...) // it outlives ctx: the person goes on reading
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", command[0], withoutPath(err))
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", command[0], err)
		}
		return nil
	case <-time.After(startTime):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// withoutPath keeps the address, which an error of exec may repeat, out of texts.
func withoutPath(err error) error {
	if inner, ok := errors.AsType[*exec.Error](err); ok {
		return inner.Err
	}
	return err
}
