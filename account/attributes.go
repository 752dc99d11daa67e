package account

import "context"

// Attributes returns the attributes of the signed-in user by their names, such as "sub",
// "email" and "custom:plan" (GetUser).
func (a *Account) Attributes(ctx context.Context) (map[string]string, error) {
	var out struct{ UserAttributes []named }
	if err := a.client.Call(ctx, "GetUser", nil, &out); err != nil {
		return nil, err
	}
	attributes := make(map[string]string, len(out.UserAttributes))
	for _, n := range out.UserAttributes {
		attributes[n.Name] = n.Value
	}
	return attributes, nil
}

// UpdateAttributes changes attributes of the signed-in user and leaves the others
// (UpdateUserAttributes). An empty value removes what an attribute had. The deliveries are
// of the codes that were sent to a new e-mail address or phone number: verify it with
// VerifyAttribute. In pools that require this before an update, the old address stays
// until then.
func (a *Account) UpdateAttributes(ctx context.Context, attributes map[string]string, opts ...Option) ([]Delivery, error) {
	in := struct {
		UserAttributes []named
		ClientMetadata map[string]string
	}{list(attributes), combine(opts).metadata}
	var out struct{ CodeDeliveryDetailsList []*delivery }
	if err := a.client.Call(ctx, "UpdateUserAttributes", in, &out); err != nil {
		return nil, err
	}
	var sent []Delivery
	for _, d := range out.CodeDeliveryDetailsList {
		if one := d.public(); one != nil {
			sent = append(sent, *one)
		}
	}
	return sent, nil
}

// DeleteAttributes removes attributes of the signed-in user (DeleteUserAttributes).
func (a *Account) DeleteAttributes(ctx context.Context, names ...string) error {
	return a.client.Call(ctx, "DeleteUserAttributes", struct{ UserAttributeNames []string }{names}, nil)
}

// SendAttributeCode sends a code to the e-mail address or phone number that the signed-in
// user has, or has asked for with UpdateAttributes (GetUserAttributeVerificationCode).
// The attribute is "email" or "phone_number".
func (a *Account) SendAttributeCode(ctx context.Context, attribute string, opts ...Option) (*Delivery, error) {
	in := struct {
		AttributeName  string
		ClientMetadata map[string]string
	}{attribute, combine(opts).metadata}
	return a.sendCode(ctx, "GetUserAttributeVerificationCode", in)
}

// VerifyAttribute verifies the e-mail address or phone number of the signed-in user with
// the code that was sent to it (VerifyUserAttribute). Errors: [latchkey.ErrCodeMismatch],
// [latchkey.ErrCodeExpired].
func (a *Account) VerifyAttribute(ctx context.Context, attribute, code string) error {
	in := struct{ AttributeName, Code string }{attribute, code}
	return a.client.Call(ctx, "VerifyUserAttribute", in, nil)
}
