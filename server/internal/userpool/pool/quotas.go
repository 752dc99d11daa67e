package pool

import (
	"context"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// How many codes are sent and answered in an hour. Those of a user are Cognito's
// ("Quotas in Amazon Cognito": ResendConfirmationCode and
// GetUserAttributeVerificationCode 5, ConfirmSignUp and VerifyUserAttribute 15).
// One source gets at most half of what an address does, so that it cannot use up
// what the address's owner needs.
var (
	sendings        = limits.Quota{Events: 5, Per: time.Hour}
	answers         = limits.Quota{Events: 15, Per: time.Hour}
	addressSendings = limits.Quota{Events: 10, Per: time.Hour}
	sourceToAddress = limits.Quota{Events: 5, Per: time.Hour}
)

// defaultMessagesPerSource is the default of Config.MessagesPerSource.
const defaultMessagesPerSource = 300

// Acts that send codes beside those that are named by the code's purpose. Quotas
// count per act, so that sign-ups by strangers do not use up the messages that the
// owner of the address asks for.
const ActResend = "resend"

type sourceKey struct{}

// WithSource returns a context for calls of one network address: the messages that
// they cause are counted for it. Calls without a source, such as those of
// administrators, are not bounded in that way. An invalid source is none.
func WithSource(ctx context.Context, source netip.Addr) context.Context {
	if !source.IsValid() {
		return ctx
	}
	return context.WithValue(ctx, sourceKey{}, limits.Network(source).String())
}

// sourceOf gives the source of a call, or "".
func sourceOf(ctx context.Context) string {
	source, _ := ctx.Value(sourceKey{}).(string)
	return source
}

// CodeRequest asks for a code.
type CodeRequest struct {
	Act     string // whose quotas count: the purpose, or actResend
	Purpose string // what the code is good for
	Who     Counters
	// User and address are who gets it. With a zero user nothing is sent, and all
	// is counted as if it were.
	User    storage.User
	Address string
	// Hides is set for a client that hides who exists: an exhausted quota of the user or
	// the address causes no error, and nothing is sent.
	Hides bool
}

// RequestCode makes a code if no quota is used up. It returns "" if nothing must
// be sent.
func (s *Codes) RequestCode(ctx context.Context, tx storage.Tx, r CodeRequest) (code string, err error) {
	shown, err := s.takeShown(ctx, tx, r)
	if err != nil {
		return "", err
	}
	hidden, err := s.takeHidden(ctx, tx, r)
	switch {
	case err != nil:
		return "", err
	case !shown || !hidden && !r.Hides:
		return "", wire.NewException(wire.LimitExceededException, wire.MessageAttemptLimitExceeded)
	case !hidden || r.User.Sub == "" || r.Address == "":
		return "", nil
	}
	return s.NewCode(tx, r.User, r.Purpose, r.Address)
}

// takeShown counts against the quotas that may refuse aloud: those of the source and
// of the typed name, which every caller has alike.
func (s *Codes) takeShown(ctx context.Context, tx storage.Tx, r CodeRequest) (ok bool, err error) {
	if source := sourceOf(ctx); source != "" && s.perSource.Events > 0 {
		ok, err := s.perSource.Take(tx, s.quotaKey("messages of", source), s.now())
		if err != nil || !ok {
			return false, err
		}
	}
	if r.Who.Name == "" {
		return true, nil
	}
	return sendings.Take(tx, "codes sent/"+r.Act+"/"+r.Who.Name, s.now())
}

// takeHidden counts against the quotas of the user and of the address, which are
// those of an account.
func (s *Codes) takeHidden(ctx context.Context, tx storage.Tx, r CodeRequest) (ok bool, err error) {
	ok, err = sendings.Take(tx, "codes sent/"+r.Act+"/"+r.Who.user, s.now())
	if err != nil || !ok {
		return false, err
	}
	to := s.addressKey(r)
	if source := sourceOf(ctx); source != "" {
		ok, err = sourceToAddress.Take(tx, s.quotaKey("codes from", source, to), s.now())
		if err != nil || !ok {
			return false, err
		}
	}
	return addressSendings.Take(tx, to, s.now())
}

// addressKey is the key of the messages to one address for one act. What is asked for
// a user who does not exist uses up nothing of the address.
func (s *Codes) addressKey(r CodeRequest) string {
	if r.User.Sub == "" {
		return s.quotaKey("codes to no user", r.Who.user, r.Act)
	}
	return s.quotaKey("codes to", r.User.PoolID, r.Act, canonicalAddress(r.Address))
}

// quotaKey names a counter of addresses. It holds a digest, so that keys are short and the
// database reveals no address.
func (s *Codes) quotaKey(kind string, parts ...string) string {
	list := [][]byte{[]byte(kind)}
	for _, part := range parts {
		list = append(list, []byte(part))
	}
	return kind + "/" + hex.EncodeToString(s.box.StableMAC(purposeQuota, list...)[:16])
}

// TakeAnswer counts an answer to a code. It returns LimitExceededException when the quota of
// the typed name is used up. hidden reports that the user's quota is used up; for a client
// that hides who exists, the caller then treats the code as wrong.
func (s *Codes) TakeAnswer(tx storage.Tx, purpose string, who Counters, hides bool) (hidden bool, err error) {
	shown := true
	if who.Name != "" {
		if shown, err = answers.Take(tx, "codes answered/"+purpose+"/"+who.Name, s.now()); err != nil {
			return false, err
		}
	}
	ok := false
	if shown {
		if ok, err = answers.Take(tx, "codes answered/"+purpose+"/"+who.user, s.now()); err != nil {
			return false, err
		}
	}
	if !shown || !ok && !hides {
		return false, wire.NewException(wire.LimitExceededException, wire.MessageAttemptLimitExceeded)
	}
	return !ok, nil
}
