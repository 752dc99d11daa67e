package plug

import "crypto/x509"

// Providers configures how the service reaches OpenID providers other than its own user
// pools. Only administrators name such providers, in the settings of pools. What the
// service fetches from them is bounded, and by default they must be on the public Internet.
type Providers struct {
	// Audiences are the accepted client ids of the providers that identity pools name by
	// an IAM ARN. The key is the issuer without "https://".
	Audiences map[string][]string
	// AllowLoopback admits providers on this machine, over http too.
	AllowLoopback bool
	// AllowPrivate admits providers in private networks (RFC 1918, RFC 4193, RFC 6598).
	// Link-local addresses are never admitted: cloud machines have their metadata
	// service, which gives out credentials, at such an address.
	AllowPrivate bool
	// Roots are the certificate authorities of providers; nil is the system's.
	Roots *x509.CertPool
}
