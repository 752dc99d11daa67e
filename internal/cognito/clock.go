package cognito

import (
	"time"

	"github.com/latchkey-auth/latchkey/internal/expiry"
)

// skewSlack is how far the service's clock may be from this machine's before an
// expiration is translated: the Date header and iat have whole seconds, and are made
// before the answer is sent.
const skewSlack = 5 * time.Second

// Clock is what is known of the service's clock before a call. The Date header of an
// answer is checked against it, since a proxy may have written the header.
type Clock struct {
	// Drift is the service's clock minus this machine's wall clock.
	Drift time.Duration
	// Measured says that Drift comes from tokens that the service takes now: their iat and
	// their age. Otherwise it was measured at some earlier time, or never.
	Measured bool
}

// life is how long AWS credentials last that end at expiration, on the service's clock.
// The answer's Date header counts as the service's time if the clock confirms it. If it
// does not, the clock counts; where that was not measured now, the shorter life of the
// two does, since nothing says which of them is wrong.
func (c Clock) life(expiration time.Time, when Timing) time.Duration {
	known := when.At.Round(0).Add(translated(c.Drift))
	life := expiration.Sub(known)
	if !when.Service.IsZero() {
		off := when.Service.Sub(known)
		dated := expiration.Sub(when.At.Round(0).Add(translated(when.Service.Sub(when.At.Round(0)))))
		confirmed := off < maxRepeat && off > -maxRepeat
		shorter := expiry.PlausibleLife(dated) && (dated < life || !expiry.PlausibleLife(life))
		if confirmed || !c.Measured && shorter {
			life = dated
		}
	}
	return expiry.CredentialsLife(life)
}

// translated is the part of a drift that expirations are translated by.
func translated(drift time.Duration) time.Duration {
	if drift < skewSlack && drift > -skewSlack {
		return 0
	}
	return drift
}
