// This file is about the name under which a request reaches us. A page whose own name was made to point to
// this machine (DNS rebinding) is same origin to its browser; only that name gives it away.

package boundary

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// authority is a host with the port that was given, or 0.
type authority struct {
	host string // lower case; without a dot at its end; an IP in its shortest form, without brackets
	port uint16
}

// parseAuthority reads the value of a Host header.
func parseAuthority(s string) (authority, bool) {
	host, port, hasPort := s, "", false
	if end := strings.IndexByte(s, ']'); end > 0 {
		host, port = s[:end+1], s[end+1:]
		if hasPort = port != ""; hasPort && port[0] != ':' {
			return authority{}, false
		}
		port = strings.TrimPrefix(port, ":")
	} else {
		host, port, hasPort = strings.Cut(s, ":")
	}
	name, ok := parseHost(host)
	if !ok || !hasPort || port == "" { // "localhost:" is allowed by RFC 3986
		return authority{host: name}, ok
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return authority{name, uint16(n)}, err == nil && n > 0
}

// parseHost brings a name, an IPv4 address or an IPv6 address in brackets into the one form in which we
// compare it.
func parseHost(s string) (string, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		a, err := netip.ParseAddr(inner)
		return a.Unmap().String(), ok && err == nil && a.Is6() && a.Zone() == ""
	}
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	if len(s) == 0 || len(s) > 253 {
		return "", false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", false
		}
	}
	return s, true
}

// isLoopback: an address needs no name to be resolved, so nobody can rebind it.
func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// hosts are the hosts that a request may name beyond the loopback ones.
type hosts struct {
	names map[string]bool
	below []string // ".example.org" for each "*.example.org"
}

func hostsOf(list []string) hosts {
	h := hosts{names: map[string]bool{}}
	for _, s := range list {
		name, wildcard, ok := parseTrusted(s)
		switch {
		case !ok:
		case wildcard:
			h.below = append(h.below, "."+name)
		default:
			h.names[name] = true
		}
	}
	return h
}

func (h hosts) contain(host string) bool {
	if isLoopback(host) || h.names[host] {
		return true
	}
	return slices.ContainsFunc(h.below, func(domain string) bool { return strings.HasSuffix(host, domain) })
}

// parseTrusted reads a host as operators name it: IPv6 addresses need no brackets.
func parseTrusted(s string) (name string, wildcard, ok bool) {
	s, wildcard = strings.CutPrefix(s, "*.")
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().String(), wildcard, !wildcard && a.Zone() == ""
	}
	name, ok = parseHost(s)
	return name, wildcard, ok && !(wildcard && strings.HasPrefix(s, "["))
}

// CheckHost tells whether s can be one of Options.TrustedHosts.
func CheckHost(s string) error {
	if _, _, ok := parseTrusted(s); !ok {
		return fmt.Errorf("%q is not a host to trust: write a name, an IP or *.name, without scheme, port or path", s)
	}
	return nil
}

// checkHost looks at the host that we were asked for and, behind a proxy, also at the one that the proxy was
// asked for: rebinding can aim at either.
func (b *Boundary) checkHost(v *visit) *refusal {
	for _, s := range []string{v.r.Host, v.host} {
		if a, ok := parseAuthority(s); !ok || !b.hosts.contain(a.host) {
			return reject(http.StatusBadRequest, "invalid host header")
		}
	}
	return nil
}
