package origin

import "testing"

func TestOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://127.0.0.1:9229/":                       "http://localhost:9229",
		"http://localhost:9229":                        "http://localhost:9229",
		"http://[::1]:9229/us-east-1_a":                "http://localhost:9229",
		"HTTP://LocalHost:9229/x?y":                    "http://localhost:9229",
		"https://latchkey.localhost:9230":              "https://localhost:9230",
		"http://127.0.0.2:9229":                        "http://127.0.0.2:9229",
		"http://127.0.0.1.example:9229":                "http://127.0.0.1.example:9229",
		"https://Auth.Example.com:443/pool":            "https://auth.example.com",
		"http://auth.example.com:80":                   "http://auth.example.com",
		"https://auth.example.com.:8443/":              "https://auth.example.com:8443",
		"https://[2001:db8::1]/":                       "https://[2001:db8::1]",
		"https://cognito-idp.us-east-1.amazonaws.com/": "https://cognito-idp.us-east-1.amazonaws.com",
		"https://user:secret@auth.example.com/":        "https://auth.example.com",
		"":                                             "", "localhost:9229": "", "/path": "", "https://": "", "http://%zz": "",
	} {
		if got := Of(address); got != want {
			t.Errorf("Of(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestOfAWS(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://cognito-idp.us-east-1.amazonaws.com":          true,
		"https://cognito-identity.cn-north-1.amazonaws.com.cn": true,
		"https://cognito-idp-fips.us-gov-west-1.amazonaws.com": true,
		"http://cognito-idp.us-east-1.amazonaws.com":           false,
		"https://cognito-idp.us-east-1.amazonaws.com.evil.net": false,
		"https://cognito-idp.evil.net/x.amazonaws.com":         false,
		"https://evil.s3.us-east-1.amazonaws.com":              false,
		"https://cognito-idp.a.b.amazonaws.com":                false,
		"https://cognito-idp.us-east-1.amazonaws.com:8443":     false,
		"": false,
	} {
		if got := OfAWS(address); got != want {
			t.Errorf("OfAWS(%q) = %t", address, got)
		}
	}
}
