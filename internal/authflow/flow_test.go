package authflow

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
)

// TestUsed checks that a flow is claimed once, and remembered for as long as it could
// be used.
func TestUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var used Used
		first := New("client", "https://app.example/in")
		if !used.Claim(first) || used.Claim(first) {
			t.Error("a flow is claimed once")
		}
		if !used.Claim(New("client", "https://app.example/in")) {
			t.Error("another flow is refused")
		}
		time.Sleep(Life + expiry.Slack + time.Second)
		if !used.Claim(New("client", "https://app.example/in")) || len(used.flows) != 1 {
			t.Errorf("%d flows remembered, want 1", len(used.flows))
		}
	})
}

// TestUsedIsBounded checks that a flood of flows does not grow the memory without end.
func TestUsedIsBounded(t *testing.T) {
	t.Parallel()
	var used Used
	for range maxUsed + 100 {
		used.Claim(Flow{State: Random()})
	}
	if len(used.flows) > maxUsed {
		t.Errorf("%d flows remembered, at most %d expected", len(used.flows), maxUsed)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := New("client", "https://app.example/in")
		if err := f.Check("client"); err != nil {
			t.Errorf("a new flow: %v", err)
		}
		late, early := f, f
		late.Created, early.Created = f.Created.Add(-Life), f.Created.Add(time.Hour)
		for name, err := range map[string]error{
			"empty": Flow{}.Check("client"), "another client's": f.Check("other"), "late": late.Check("client"), "from the future": early.Check("client"),
		} {
			if !errors.Is(err, fault.Flow) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
