package stsbroker

import (
	"testing"

	"github.com/latchkey-auth/latchkey/server/plug"
)

func TestEndpointByRegion(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"us-east-1":      "https://sts.us-east-1.amazonaws.com/",
		"ap-southeast-4": "https://sts.ap-southeast-4.amazonaws.com/",
		"us-gov-west-1":  "https://sts.us-gov-west-1.amazonaws.com/",
		"cn-north-1":     "https://sts.cn-north-1.amazonaws.com.cn/",
	} {
		if got, err := endpointOf(Config{Region: region}); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", region, got, err, want)
		}
	}
}

// FuzzAnswer: whatever a server sends is read as credentials that are whole, as
// an error with a code, or as neither.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>` +
		`<AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2026-11-20T14:10:00Z</Expiration>` +
		`</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`))
	f.Add([]byte(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Code>AccessDenied</Code></Error></ErrorResponse>`))
	f.Add([]byte(`<a><b/></a><!DOCTYPE x>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := readCredentials(body)
		if whole := c.AccessKeyID != "" && !c.SecretAccessKey.IsZero() && !c.SessionToken.IsZero() && !c.Expiration.IsZero(); whole != (err == nil) {
			t.Fatalf("%+v, %v", c, err)
		}
		if err != nil && c.SecretAccessKey != (plug.Secret{}) {
			t.Fatal("a secret comes with an error")
		}
		if e, err := readError(body); (err == nil) != (e != nil) || e != nil && e.Code == "" {
			t.Fatalf("%+v, %v", e, err)
		}
	})
}
