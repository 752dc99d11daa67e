package pool_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/latchkey-auth/latchkey/internal/seal"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/plug"
	"github.com/latchkey-auth/latchkey/server/storage/memory"
)

// blockingMessenger blocks until release is closed, and counts messages.
type blockingMessenger struct {
	release chan struct{}
	started atomic.Int64
}

func (m *blockingMessenger) Send(context.Context, plug.Message) error {
	m.started.Add(1)
	<-m.release
	return nil
}

// immediateMessenger is a blockingMessenger that is marked as one that never waits.
type immediateMessenger struct{ *blockingMessenger }

func (immediateMessenger) Immediate() {}

func newCodes(t *testing.T, m plug.Messenger, log *bytes.Buffer) *pool.Codes {
	t.Helper()
	box, err := seal.New(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return pool.New(pool.Config{Storage: memory.New(), Box: box, Messenger: m, Logger: slog.New(slog.NewTextHandler(log, nil))}).Codes
}

// TestSendHiddenIsBounded sends at most 256 messages at once without waiting, logs and drops more,
// and sends again when there is room. Close waits for them.
func TestSendHiddenIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m := &blockingMessenger{release: make(chan struct{})}
		codes := newCodes(t, m, &log)
		for range 300 {
			codes.SendHidden(t.Context(), plug.Message{PoolID: "us-east-1_Pool00001", Address: "ann@example.com"})
		}
		synctest.Wait()
		if n, dropped := m.started.Load(), strings.Count(log.String(), "too many messages in progress"); n != 256 || dropped != 44 || strings.Contains(log.String(), "ann@") {
			t.Errorf("%d messages sent and %d dropped, want 256 and 44", n, dropped)
		}
		close(m.release)
		synctest.Wait()
		codes.SendHidden(t.Context(), plug.Message{})
		codes.Close()
		if n := m.started.Load(); n != 257 {
			t.Errorf("%d messages after there was room, want 257", n)
		}
		codes.SendHidden(t.Context(), plug.Message{})
		synctest.Wait()
		if n := m.started.Load(); n != 257 {
			t.Errorf("a message was sent after Close")
		}
	})
}

// TestSendHiddenWaitsForAnImmediateMessenger sends on the caller's goroutine, so that the message
// is there when the call returns.
func TestSendHiddenWaitsForAnImmediateMessenger(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m := &blockingMessenger{release: make(chan struct{})}
	close(m.release)
	codes := newCodes(t, immediateMessenger{m}, &log)
	codes.SendHidden(t.Context(), plug.Message{})
	if n := m.started.Load(); n != 1 {
		t.Errorf("%d messages when the call returned, want 1", n)
	}
}
