package localca

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// maxHosts bounds the names in a certificate.
const maxHosts = 100

// names are what a certificate is for, sorted and each once.
type names struct {
	dns       []string
	addresses []netip.Addr
}

// parseHosts checks hosts and adds those that are always there.
func parseHosts(hosts []string) (names, error) {
	if len(hosts) > maxHosts {
		return names{}, fmt.Errorf("localca: %d hosts given, at most %d fit a certificate", len(hosts), maxHosts)
	}
	n := names{
		dns:       []string{"localhost", "*.localhost"},
		addresses: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()},
	}
	for _, host := range hosts {
		if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			if address.IsUnspecified() || address.Zone() != "" {
				return names{}, fmt.Errorf("localca: host %q is no address that a client can name; give the one it connects to", host)
			}
			n.addresses = append(n.addresses, address.Unmap())
			continue
		}
		name := strings.ToLower(strings.TrimSuffix(host, "."))
		if !isHostName(strings.TrimPrefix(name, "*.")) {
			return names{}, fmt.Errorf("localca: host %q is neither an IP address nor a host name (without port, international names as xn--)", host)
		}
		n.dns = append(n.dns, name)
	}
	slices.Sort(n.dns)
	slices.SortFunc(n.addresses, netip.Addr.Compare)
	n.dns, n.addresses = slices.Compact(n.dns), slices.Compact(n.addresses)
	return n, nil
}

// isHostName checks the syntax of RFC 1123, section 2.1.
func isHostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// equal reports whether a certificate is for exactly these names.
func (n names) equal(certificate *x509.Certificate) bool {
	var addresses []netip.Addr
	for _, ip := range certificate.IPAddresses {
		address, _ := netip.AddrFromSlice(ip)
		addresses = append(addresses, address.Unmap())
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	return slices.Equal(n.dns, slices.Sorted(slices.Values(certificate.DNSNames))) &&
		slices.Equal(n.addresses, addresses)
}

func (n names) ips() []net.IP {
	var ips []net.IP
	for _, address := range n.addresses {
		ips = append(ips, address.AsSlice())
	}
	return ips
}

// constraints are the names that an authority may vouch for.
type constraints struct {
	domains  []string
	networks []*net.IPNet
}

// constraintsOf are the constraints of an authority's certificate.
func constraintsOf(certificate *x509.Certificate) constraints {
	return constraints{certificate.PermittedDNSDomains, certificate.PermittedIPRanges}
}

// extend adds what names need and constraints do not permit yet; it reports
// whether there was any such.
func (c *constraints) extend(n names) (extended bool) {
	for _, name := range n.dns {
		if !c.permitsName(name) {
			c.domains = append(c.domains, strings.TrimPrefix(name, "*."))
			extended = true
		}
	}
	for _, address := range n.addresses {
		if c.permitsAddress(address) {
			continue
		}
		bits := address.BitLen()
		if address.Is4() && address.IsLoopback() {
			bits = 8
		}
		network, _ := address.Prefix(bits)
		c.networks = append(c.networks, &net.IPNet{IP: network.Addr().AsSlice(), Mask: net.CIDRMask(bits, address.BitLen())})
		extended = true
	}
	return extended
}

// permitsName goes by RFC 5280, section 4.2.1.10: a domain permits itself and
// all names below it.
func (c *constraints) permitsName(name string) bool {
	name = strings.TrimPrefix(name, "*.")
	return slices.ContainsFunc(c.domains, func(domain string) bool {
		return name == domain || strings.HasSuffix(name, "."+domain)
	})
}

func (c *constraints) permitsAddress(address netip.Addr) bool {
	return slices.ContainsFunc(c.networks, func(network *net.IPNet) bool {
		return network.Contains(address.AsSlice())
	})
}
