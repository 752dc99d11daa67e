package identitypool

import "testing"

func TestUserPoolNames(t *testing.T) {
	t.Parallel()
	s := &providers{userPools: issuers{}}
	for name, want := range map[string]string{
		"cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab1":      "us-east-1_Ab1",
		"cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab1": "cn-north-1_Ab1",
		"auth.example.com:8443/us-east-1_Ab1":                    "us-east-1_Ab1",
		"cognito-idp.eu-west-1.amazonaws.com/us-east-1_Ab1":      "",
		"auth.example.com/us-east-1_Ab1":                         "",
		"https://auth.example.com:8443/us-east-1_Ab1":            "",
		"us-east-1_Ab1": "", "": "", "/": "", "accounts.google.com": "",
	} {
		if id, ok := s.userPoolOf(name); ok != (want != "") || ok && id != want {
			t.Errorf("%q: %q, %v; want %q", name, id, ok, want)
		}
	}
	for arn, want := range map[string]string{
		"arn:aws:iam::123456789012:oidc-provider/idp.example.com/a:b": "idp.example.com/a:b",
		"arn:aws:iam::123456789012:saml-provider/x":                   "", "arn:aws:sts::1:oidc-provider/x": "", "arn:aws:iam::1:oidc-provider/": "", "x": "",
	} {
		if name, ok := openIDName(arn); ok != (want != "") || ok && name != want {
			t.Errorf("%q: %q, %v; want %q", arn, name, ok, want)
		}
	}
}

// issuers are user pools of which only the issuers are known.
type issuers struct{}

func (issuers) Issuer(poolID string) string { return "https://auth.example.com:8443/" + poolID }
