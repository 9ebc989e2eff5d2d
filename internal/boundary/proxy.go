// This file is about who stands at the other end: the peer, or whom a trusted proxy names.

package boundary

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ParseProxies reads a list of IPs and CIDRs: the proxies whose X-Forwarded-* headers are believed.
func ParseProxies(list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		p, ok := parsePrefix(strings.TrimSpace(s))
		if !ok {
			return nil, fmt.Errorf("%q is not the address of a proxy: write an IP such as 10.0.0.5 or a CIDR such as 10.0.0.0/24", s)
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%q would believe every address: name the proxies", s)
		}
		out = append(out, p)
	}
	return out, nil
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, false
	}
	return p.Masked(), true
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// peerOf reads http.Request.RemoteAddr.
func peerOf(remote string) netip.Addr {
	ap, _ := netip.ParseAddrPort(remote)
	return ap.Addr().Unmap().WithZone("")
}

// clientOf walks through X-Forwarded-For from its right end, where each proxy wrote whom it had before it, to
// the first who is no trusted proxy. An entry that is no address ends the walk: what stands left of it
// was written by nobody we know.
func clientOf(peer netip.Addr, values []string, proxies []netip.Prefix) netip.Addr {
	client := peer
	for rest := strings.Join(values, ","); rest != "" && contains(proxies, client); {
		var entry string
		rest, entry = cutLast(rest)
		a, ok := parseEntry(entry)
		if !ok {
			break
		}
		client = a
	}
	return client
}

// parseEntry reads an address that may have a port, as some proxies write it.
func parseEntry(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}

// lastEntry is the last entry of a header that lists them, "" for none.
func lastEntry(values []string) string {
	if len(values) == 0 {
		return ""
	}
	_, last := cutLast(values[len(values)-1])
	return last
}

func cutLast(list string) (before, last string) {
	i := strings.LastIndexByte(list, ',')
	return list[:max(i, 0)], strings.Trim(list[i+1:], " \t")
}
