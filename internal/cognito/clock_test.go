package cognito

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

const day = 24 * time.Hour

// TestCredentialsLifeByClock checks whose time counts as the service's: the Date header's,
// what is known, or the time of receipt.
func TestCredentialsLifeByClock(t *testing.T) {
	t.Parallel()
	at := time.Now()
	measured := func(drift time.Duration) Clock { return Clock{Drift: drift, Measured: true} }
	const undated = -1
	for name, test := range map[string]struct {
		clock   Clock
		service time.Duration // the service's clock minus this machine's
		date    time.Duration // the header minus the service's clock
		life    time.Duration // that the service gave
		want    time.Duration
	}{
		"all right":                           {measured(0), 0, 0, time.Hour, time.Hour},
		"no header":                           {measured(0), 0, undated, time.Hour, time.Hour},
		"a second apart":                      {measured(time.Second), 0, -time.Second, time.Hour, time.Hour},
		"twelve hours":                        {measured(0), 0, 0, 12 * time.Hour, 12 * time.Hour},
		"a day":                               {measured(0), 0, 0, day, time.Hour},
		"expired":                             {measured(0), 0, 0, -time.Hour, time.Hour},
		"header 8 minutes behind":             {measured(0), 0, -8 * time.Minute, time.Hour, 68 * time.Minute},
		"header 20 minutes behind":            {measured(0), 0, -20 * time.Minute, time.Hour, time.Hour},
		"header 20 minutes ahead":             {measured(0), 0, 20 * time.Minute, time.Hour, time.Hour},
		"header 48 hours behind":              {measured(0), 0, -2 * day, time.Hour, time.Hour},
		"header 20 years behind":              {measured(0), 0, -20 * 365 * day, time.Hour, time.Hour},
		"header 2 hours ahead":                {measured(0), 0, 2 * time.Hour, time.Hour, time.Hour},
		"machine 3 hours behind":              {measured(3 * time.Hour), 3 * time.Hour, 0, time.Hour, time.Hour},
		"machine 3 days ahead":                {measured(-3 * day), -3 * day, 0, time.Hour, time.Hour},
		"machine behind, no header":           {measured(3 * time.Hour), 3 * time.Hour, undated, time.Hour, time.Hour},
		"machine and header wrong":            {measured(3 * time.Hour), 3 * time.Hour, 2 * day, time.Hour, time.Hour},
		"guest, all right":                    {Clock{}, 0, 0, time.Hour, time.Hour},
		"guest, no header":                    {Clock{}, 0, undated, time.Hour, time.Hour},
		"guest, header 20 minutes behind":     {Clock{}, 0, -20 * time.Minute, time.Hour, time.Hour},
		"guest, header 48 hours behind":       {Clock{}, 0, -2 * day, time.Hour, time.Hour},
		"guest, header 20 years behind":       {Clock{}, 0, -20 * 365 * day, time.Hour, time.Hour},
		"guest, header 2 hours ahead":         {Clock{}, 0, 2 * time.Hour, time.Hour, time.Hour},
		"guest, machine 3 hours behind":       {Clock{}, 3 * time.Hour, 0, time.Hour, time.Hour},
		"guest, machine 3 hours ahead":        {Clock{}, -3 * time.Hour, 0, time.Hour, time.Hour},
		"guest, known drift":                  {Clock{Drift: 3 * time.Hour}, 3 * time.Hour, undated, time.Hour, time.Hour},
		"guest, known drift, header wrong":    {Clock{Drift: 3 * time.Hour}, 3 * time.Hour, -2 * day, time.Hour, time.Hour},
		"guest, a drift that is over":         {Clock{Drift: -3 * time.Hour}, 0, 0, time.Hour, time.Hour},
		"guest, a drift over the other way":   {Clock{Drift: 3 * time.Hour}, 0, 0, time.Hour, time.Hour},
		"guest, machine behind and no header": {Clock{}, 3 * time.Hour, undated, time.Hour, 4 * time.Hour},
	} {
		when := Timing{At: at}
		if test.date != undated {
			when.Service = at.Round(0).Add(test.service + test.date)
		}
		expiration := at.Round(0).Add(test.service + test.life)
		issued, err := newIssued(wire.GetCredentialsForIdentityResponse{
			IdentityId:  "us-east-1:a",
			Credentials: &wire.Credentials{AccessKeyId: "A", SecretKey: "s", SessionToken: "t", Expiration: wire.NewTime(expiration)},
		}, when, test.clock)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if off := (issued.Life - test.want).Abs(); off > 2*time.Second {
			t.Errorf("%s: lasts %v, want %v", name, issued.Life, test.want)
		}
		// What callers see is on this machine's clock.
		if got := issued.Credentials.Expiration; !got.Equal(at.Round(0).Add(issued.Life)) {
			t.Errorf("%s: Expiration is %v after receipt, of a life of %v", name, got.Sub(at.Round(0)), issued.Life)
		}
	}
}
