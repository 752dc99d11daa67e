package localservice

import (
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/outbox"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// TestSignUpByOutbox: whoever tries the service signs up with the code that the
// outbox page shows, and that the terminal is told of.
func TestSignUpByOutbox(t *testing.T) {
	told := make(chan outbox.Entry, 10)
	o := options(t.TempDir())
	o.Sent = func(e outbox.Entry) { told <- e }
	ready, _ := start(t, o)
	client := trusting(t, ready.CAFile)
	var signedUp wire.SignUpResponse
	err := call(t, client, ready.Endpoint, "SignUp", &wire.SignUpRequest{
		ClientId: ready.ClientID, Username: "ann", Password: "Correct-Horse-9",
		UserAttributes: []wire.AttributeType{{Name: "email", Value: "ann@example.com"}},
	}, &signedUp)
	if err != nil {
		t.Fatal(err)
	}
	page := fetch(t, client, ready.Endpoint+"/outbox")
	_, message, _ := strings.Cut(page, "ann@example.com")
	_, text, _ := strings.Cut(message, "<pre>")
	code := regexp.MustCompile(`[0-9]{6}`).FindString(text)
	if e := <-told; !strings.Contains(e.Text.Reveal(), code) || e.Address != "ann@example.com" {
		t.Errorf("told of %v", e)
	}
	err = call(t, client, ready.Endpoint, "ConfirmSignUp", &wire.ConfirmSignUpRequest{
		ClientId: ready.ClientID, Username: "ann", ConfirmationCode: wire.Sensitive(code),
	}, &wire.ConfirmSignUpResponse{})
	if err != nil {
		t.Fatal(err)
	}
	var in wire.InitiateAuthResponse
	err = call(t, client, ready.Endpoint, "InitiateAuth", &wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, ClientId: ready.ClientID,
		AuthParameters: wire.Parameters{"USERNAME": "ann@example.com", "PASSWORD": "Correct-Horse-9"},
	}, &in)
	if err != nil || in.AuthenticationResult == nil {
		t.Errorf("signing in: %v", err)
	}
}
