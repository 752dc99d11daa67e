package mail

import (
	"context"
	"time"

	"github.com/latchkey-auth/latchkey/server/plug"
)

// letter is a queued message, with the number of tries so far.
type letter struct {
	plug.Message
	tries int
}

// accept puts a message into the queue if there is room. A source, other than the service's
// administrators, may use a part of the queue only, which leaves room for the others.
func (s *Sender) accept(m plug.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.held >= queueLength:
		return ErrQueueFull
	case m.Source != "" && s.bySource[m.Source] >= sourceShare:
		return ErrSourceShare
	}
	s.held++
	if m.Source != "" {
		s.bySource[m.Source]++
	}
	s.queue <- letter{Message: m} // has room: it is as long as held can be
	return nil
}

// release frees the place of a message that was sent, refused or given up.
func (s *Sender) release(m plug.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held--
	if m.Source != "" {
		if s.bySource[m.Source]--; s.bySource[m.Source] == 0 {
			delete(s.bySource, m.Source)
		}
	}
	s.noteEmpty()
}

// noteEmpty ends the wait of Close when no message is left. The caller holds mu.
func (s *Sender) noteEmpty() {
	if s.closed && s.held == 0 {
		close(s.empty)
	}
}

// run sends what is in the queue until the Sender stops.
func (s *Sender) run() {
	for {
		select {
		case l := <-s.queue:
			s.handle(l)
		case <-s.stop:
			return
		}
	}
}

// handle tries a message once. A message that is refused temporarily waits on a separate
// goroutine, so that it does not delay the others.
func (s *Sender) handle(l letter) {
	err := s.converse(l.Message)
	if err != nil && temporary(err) && l.tries < len(s.pauses) && s.life.Err() == nil {
		pause := s.pauses[l.tries]
		s.config.Logger.Warn("mail: temporary failure, retrying", "server", s.config.Server, "in", pause, "error", err)
		l.tries++
		s.work.Go(func() { s.retry(l, pause) })
		return
	}
	s.end(l, err)
}

// retry puts a message back into the queue after a pause.
func (s *Sender) retry(l letter, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		s.queue <- l // its place was kept
	case <-s.life.Done():
		s.end(l, s.life.Err())
	}
}

// end logs a message that was not sent and frees its place.
func (s *Sender) end(l letter, err error) {
	if err != nil {
		s.config.Logger.Error("mail: message not sent", "pool", l.PoolID, "server", s.config.Server, "error", err)
	}
	s.release(l.Message)
}

// shut refuses further messages. It returns a channel that is closed when none is left.
func (s *Sender) shut() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.noteEmpty()
	}
	return s.empty
}

// wait waits until no message is left or ctx ends, and then for the goroutines.
func (s *Sender) wait(ctx context.Context, empty <-chan struct{}) error {
	var err error
	select {
	case <-empty:
	case <-ctx.Done():
		err = ctx.Err()
		s.cancel()
		<-empty
	}
	s.halt()
	s.work.Wait()
	s.cancel()
	return err
}
