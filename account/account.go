package account

import (
	"context"
	"maps"

	"github.com/latchkey-auth/latchkey"
)

// Account is the account of the client's user. It is stateless and safe for concurrent use.
// Make it with [Of]: methods of an Account without a client panic in the caller's goroutine.
type Account struct{ client *latchkey.Client }

// Of returns the account of a client's user.
func Of(client *latchkey.Client) *Account { return &Account{client} }

// Option changes one call.
type Option struct{ apply func(*options) }

type options struct {
	metadata, validation map[string]string
	session              latchkey.Secret
}

// Metadata passes values on to the pool's Lambda triggers (ClientMetadata). The service
// does not store them.
func Metadata(metadata map[string]string) Option {
	metadata = maps.Clone(metadata)
	return Option{func(o *options) { o.metadata = metadata }}
}

// ValidationData passes values of a sign-up on to the pre sign-up trigger alone. The
// service does not store them.
func ValidationData(data map[string]string) Option {
	data = maps.Clone(data)
	return Option{func(o *options) { o.validation = data }}
}

// ContinueSession passes the session of a sign-up on to [Account.ConfirmSignUp]. An empty
// one does nothing.
func ContinueSession(session latchkey.Secret) Option {
	return Option{func(o *options) { o.session = session }}
}

func combine(list []Option) (all options) {
	for _, o := range list {
		if o.apply != nil {
			o.apply(&all)
		}
	}
	return all
}

// Delivery says where a code was sent.
type Delivery struct {
	Attribute   string // email or phone_number
	Medium      string // EMAIL or SMS
	Destination string // hidden in part, such as "a***@e***"
}

// delivery is a Delivery in responses.
type delivery struct {
	AttributeName, DeliveryMedium, Destination string
}

func (d *delivery) public() *Delivery {
	if d == nil || d.DeliveryMedium == "" {
		return nil
	}
	return &Delivery{Attribute: d.AttributeName, Medium: d.DeliveryMedium, Destination: d.Destination}
}

// delivered is the response of the operations that only send a code.
type delivered struct{ CodeDeliveryDetails *delivery }

// sendCode performs an operation that sends a code.
func (a *Account) sendCode(ctx context.Context, operation string, in any) (*Delivery, error) {
	var out delivered
	if err := a.client.Call(ctx, operation, in, &out); err != nil {
		return nil, err
	}
	return out.CodeDeliveryDetails.public(), nil
}
