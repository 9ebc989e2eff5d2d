package client

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"agentbridge"
)

// parseURL checks the address of a bridge. What is wrong with it is said
// without repeating it: a URL may hold a password.
func parseURL(s string) (*url.URL, error) {
	refuse := func(why string) (*url.URL, error) {
		return nil, agentbridge.Refuse(agentbridge.InvalidFormat, "url", "%s; give the bridge's address, for example http://127.0.0.1:8765", why)
	}
	if s == "" {
		return refuse("must not be empty")
	}
	scheme, _, _ := strings.Cut(strings.ToLower(s), "://")
	if scheme != "http" && scheme != "https" {
		return refuse("must begin with http:// or https://")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return refuse("is not a URL")
	case u.User != nil:
		return refuse("must not hold a user or password, because URLs are shown and logged; the token is set apart from it")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return refuse("must not have a query or a fragment")
	case u.Hostname() == "":
		return refuse("names no host")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return refuse("has a port that is not a number from 1 to 65535")
		}
	}
	return url.Parse(u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"))
}

// checkToken refuses a token that could not arrive whole, and one that others
// on the network could read.
func checkToken(o Options, base *url.URL) error {
	if o.Token == "" {
		return nil
	}
	visible := func(r rune) bool { return r > ' ' && r < 0x7f }
	if strings.ContainsFunc(o.Token, func(r rune) bool { return !visible(r) }) {
		return agentbridge.Refuse(agentbridge.InvalidFormat, "token", "must be visible ASCII characters without spaces or line ends; check the file it comes from")
	}
	if base.Scheme == "http" && !isLoopback(base.Hostname()) && !o.AllowPlaintext {
		return agentbridge.Refuse(agentbridge.InvalidValue, "url",
			"the token would travel to %s unencrypted; use https://, or allow plaintext (--allow-plaintext) if the network between is private", base.Host)
	}
	return nil
}

// isLoopback tells whether a host is this machine by its name alone.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// segment is a name as one segment of a path. Dots are written out where a path
// would be read without them.
func segment(name string) string {
	if name == "." || name == ".." {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}

// url is the address of something on the bridge, by its escaped path.
func (c *Client) url(path string, query url.Values) string {
	u := c.name + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	return u
}
