package cli

import (
	"context"
	"os"
	"runtime"
	"time"
)

// processorPause is how long a new limit on processors may go unnoticed.
const processorPause = 30 * time.Second

// followProcessors keeps GOMAXPROCS at what the machine or the container allows, until
// ctx ends. Go does so by itself, with a goroutine from the start of each program; the
// command has turned that off for its short runs, see docs/decisions/0010. Where the
// person has set GOMAXPROCS, it stays.
func followProcessors(ctx context.Context) {
	if os.Getenv("GOMAXPROCS") != "" {
		return
	}
	look := time.NewTicker(processorPause)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			runtime.SetDefaultGOMAXPROCS()
		}
	}
}
