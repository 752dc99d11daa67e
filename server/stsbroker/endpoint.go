package stsbroker

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

var regionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`) })

// endpointOf answers the address to ask, in the form in which it is sent.
func endpointOf(c Config) (string, error) {
	if c.Endpoint != "" {
		return checkEndpoint(c.Endpoint)
	}
	if !regionPattern().MatchString(c.Region) {
		return "", fmt.Errorf(`stsbroker: %q is no AWS region; set Region, such as "eu-west-1", or the Endpoint of another STS`, c.Region)
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(c.Region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	return "https://sts." + c.Region + "." + domain + "/", nil
}

func checkEndpoint(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("stsbroker: the endpoint is no URL") // the error would repeat a password in it
	}
	switch {
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("stsbroker: the endpoint must be a host with an optional path, without user, query and fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return "", fmt.Errorf("stsbroker: the endpoint %s must be https, or http on a loopback address: tokens and keys pass over it", u.Redacted())
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), nil
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// newTransport is net/http's own with limits for one short answer.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    5 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    32,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
}
