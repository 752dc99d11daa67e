// Package origin names services by where they are called: scheme, host and port of an
// address, in one spelling.
package origin

import (
	"net"
	"net/url"
	"strings"
)

// Of is the origin of an address (RFC 6454, section 4), in lower case and without the
// scheme's own port. The loopback names of one port are one origin, because one service
// listens at all of them: 127.0.0.1, ::1, localhost and the names below localhost are
// written localhost. It is empty for what is no absolute URL.
func Of(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return ""
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Port()
	if host == "127.0.0.1" || host == "::1" || strings.HasSuffix(host, ".localhost") {
		host = "localhost"
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return scheme + "://" + host
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// OfAWS reports whether an origin is one of Cognito's in AWS, such as
// https://cognito-idp.us-east-1.amazonaws.com.
func OfAWS(origin string) bool {
	host, https := strings.CutPrefix(origin, "https://")
	host = strings.TrimSuffix(host, ".cn")
	service, rest, _ := strings.Cut(host, ".")
	region, isAWS := strings.CutSuffix(rest, ".amazonaws.com")
	known := service == "cognito-idp" || service == "cognito-identity" || service == "cognito-idp-fips" || service == "cognito-identity-fips"
	return https && isAWS && known && region != "" && !strings.ContainsAny(region, "./:")
}
