package pool

import (
	"context"
	"time"
)

// veilStep is the grid that veiled answers go out on. It is coarse beside what
// a look-up more or less costs, and fine beside what a network adds.
const veilStep = 2 * time.Millisecond

// Veiled runs a step of a sign-in, or of an account flow, so that its time does not tell whether the
// user exists, where the client hides that: an answer without tokens goes out
// at the next full step of the grid. Both kinds of user cost the same work to
// within a few microseconds; this hides the rest.
func Veiled[T any](ctx context.Context, a *App, step func() (*T, error)) (*T, error) {
	start := time.Now()
	out, err := step()
	o, signsIn := any(out).(*Outcome)
	if !a.Settings.HidesUsers() || err == nil && signsIn && o.AuthenticationResult != nil {
		return out, err
	}
	timer := time.NewTimer(veilStep - time.Since(start)%veilStep)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return out, err
}
