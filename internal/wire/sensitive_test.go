package wire_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	const canary = "s3cr3t-canary"
	request := wire.InitiateAuthRequest{
		AuthFlow: wire.AuthFlowUserPassword, Session: canary,
		AuthParameters: wire.Parameters{"PASSWORD": canary, "SECRET_HASH": canary},
	}
	result := wire.AuthenticationResultType{AccessToken: canary, IdToken: canary, RefreshToken: canary}
	values := []any{
		wire.Sensitive(canary), []wire.Sensitive{canary}, map[string]wire.Sensitive{"k": canary},
		wire.Parameters{"PASSWORD": canary}, request, &request, result,
		wire.GetTokensFromRefreshTokenRequest{RefreshToken: canary, ClientSecret: canary},
		wire.RevokeTokenRequest{Token: canary, ClientSecret: canary},
		wire.ChangePasswordRequest{PreviousPassword: canary, ProposedPassword: canary, AccessToken: canary},
		wire.AdminCreateUserRequest{TemporaryPassword: canary}, wire.AdminSetUserPasswordRequest{Password: canary},
		wire.UserPoolClientType{ClientSecret: canary}, wire.CreateUserPoolClientRequest{ClientSecret: canary},
		wire.GetIdRequest{Logins: wire.Parameters{"cognito-idp.x": canary}},
		wire.Credentials{SecretKey: canary, SessionToken: canary}, wire.GetOpenIdTokenResponse{Token: canary},
	}
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, canary) || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", canary)) {
				t.Errorf("Sprintf(%q, %T) leaks: %s", verb, value, got)
			}
		}
		encoded, err := stdjson.Marshal(value)
		if err != nil || bytes.Contains(encoded, []byte(canary)) {
			t.Errorf("encoding/json of %T leaks: %s, %v", value, encoded, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
		if strings.Contains(log.String(), canary) {
			t.Errorf("log/slog of %T leaks: %s", value, log.String())
		}
		sent, err := wire.Marshal(value)
		if err != nil || !bytes.Contains(sent, []byte(canary)) {
			t.Errorf("wire.Marshal of %T does not send the value: %s, %v", value, sent, err)
		}
	}
}

func TestParametersPrintTheirKeys(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]wire.Parameters{
		"map[]":                    nil,
		"map[PASSWORD:[redacted]]": {"PASSWORD": "x"},
		"map[PASSWORD:[redacted] USERNAME:[redacted]]": {"USERNAME": "y", "PASSWORD": "x"},
	} {
		if got := fmt.Sprint(p); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := p.LogValue().String(); got != want {
			t.Errorf("log value %s, want %s", got, want)
		}
	}
	encoded, err := stdjson.Marshal(wire.Parameters{"B": "x", "A": "y"})
	if err != nil || string(encoded) != `{"A":"[redacted]","B":"[redacted]"}` {
		t.Errorf("%s, %v", encoded, err)
	}
}
