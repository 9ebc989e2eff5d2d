package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"agentbridge"
	"agentbridge/client"
	"agentbridge/internal/bench"

	"github.com/spf13/pflag"
)

// benchPlaces say which servers to measure.
type benchPlaces struct {
	url            string
	auth           authFlags // only its file
	against        []string
	againstAuth    authFlags // only its file
	remoteLoad     bool
	allowPlaintext bool
	pid            int
	db             string
	againstPID     int
	againstDB      string
	dir            string
	limits         string
	flags          *pflag.FlagSet
}

// declare adds the flags. A bridge in the environment is one that is in use:
// only who names it on the command line means to put load on it.
func (p *benchPlaces) declare(flags *pflag.FlagSet) {
	p.flags = flags
	flags.StringVar(&p.url, "url", "", "measure the bridge that runs at this `URL` instead of one of our own")
	p.auth.declareFile(flags, "`file` with the token for --url; or put the token into the environment variable "+tokenVariable)
	declareList(flags, &p.against, "against", func(string) error { return nil }, "measure the server at this `URL` too, for comparison")
	flags.StringVar(&p.againstAuth.file, "against-token-file", "", "`file` with the token for --against")
	declareBool(flags, &p.remoteLoad, "remote-load", "put load on servers that are not on this machine")
	declareBool(flags, &p.allowPlaintext, "allow-plaintext", "send the token to another machine without encryption")
	declareNumber(flags, &p.pid, "server-pid", 0, 1, largest, "process of the server at --url, to tell its CPU time and memory, if it runs on this machine")
	flags.StringVar(&p.db, "server-db", "", "database `file` of the server at --url, to tell its size, if it is on this machine")
	declareNumber(flags, &p.againstPID, "against-pid", 0, 1, largest, "the same of the server at --against, if it is only one")
	flags.StringVar(&p.againstDB, "against-db", "", "the same of the server at --against, if it is only one: its database `file`")
	flags.StringVar(&p.dir, "dir", os.TempDir(), "existing `directory` for the databases; its disk is what is measured")
	p.limits = "off"
	flags.Var(tableName{&p.limits}, "limits", "limits of our own bridge: off, default, multi-agent")
	for _, name := range []string{"url", "against", "against-token-file", "remote-load", "allow-plaintext", "server-pid", "server-db", "against-pid", "against-db", "dir", "limits"} {
		annotate(flags, name, noVariable)
	}
}

// check refuses what can't be meant, before anything is started or written.
func (p *benchPlaces) check(flags *pflag.FlagSet) error {
	for _, name := range []string{"auth-token-file", "server-pid", "server-db"} {
		if p.url == "" && onCommandLine(flags, name) {
			return usageError{fmt.Errorf("--%s is about the server at --url, which is not given", name)}
		}
	}
	if p.url != "" && flags.Changed("limits") {
		return usageError{errors.New("--limits is about a bridge of our own, and --url names one that runs already; give its limits when you start it")}
	}
	if err := p.checkAgainst(flags); err != nil {
		return err
	}
	if flags.Changed("url") {
		if err := p.checkURL("--url", p.url); err != nil {
			return err
		}
	}
	for _, text := range p.against {
		if err := p.checkURL("--against", text); err != nil {
			return err
		}
	}
	return cmp.Or(checkDB("--server-db", p.db), checkDB("--against-db", p.againstDB))
}

// checkAgainst refuses what is said about servers to compare with and can't be
// about one of them.
func (p *benchPlaces) checkAgainst(flags *pflag.FlagSet) error {
	if len(p.against) == 0 && flags.Changed("against-token-file") {
		return usageError{errors.New("--against-token-file is about the servers at --against, which is not given")}
	}
	for _, name := range []string{"against-pid", "against-db"} {
		if len(p.against) != 1 && flags.Changed(name) {
			return usageError{fmt.Errorf("--%s is about the one server at --against, and %d are given", name, len(p.against))}
		}
	}
	return nil
}

func checkDB(flag, path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return usageError{fmt.Errorf("%s %s is no file that can be looked at; name the server's database file", flag, path)}
	}
	return nil
}

// checkURL makes sure that nobody's server is loaded by mistake.
func (p *benchPlaces) checkURL(flag, text string) error {
	_, err := client.New(client.Options{URL: text}) // it connects to nothing
	if e, ok := errors.AsType[*agentbridge.Error](err); ok {
		return usageError{errors.New(flag + " " + e.Message)}
	}
	if u, err := url.Parse(text); err == nil && !isLoopbackHost(u.Hostname()) && !p.remoteLoad {
		return usageError{fmt.Errorf("%s %s is not on this machine, and measuring loads a server as heavily as it can: others who use it or its network will notice; add --remote-load if that is yours to decide", flag, text)}
	}
	return nil
}

func isLoopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// open makes the targets. The caller closes what it returns, and nothing is left
// to close with an error.
func (p *benchPlaces) open(ctx context.Context, s bench.Settings, stderr io.Writer) (*workshop, error) {
	token, err := p.token(stderr)
	if err != nil {
		return nil, err
	}
	against, err := p.againstToken(stderr)
	if err != nil {
		return nil, err
	}
	shop := &workshop{settings: s}
	if err := p.furnish(ctx, shop, token, against, stderr); err != nil {
		return nil, errors.Join(err, shop.close())
	}
	return shop, nil
}

func (p *benchPlaces) furnish(ctx context.Context, shop *workshop, token, against string, stderr io.Writer) error {
	if err := shop.setUp(p.dir, stderr); err != nil {
		return err
	}
	if p.url != "" {
		if err := p.others(ctx, shop, other{p.url, "--auth-token-file", token, p.pid, p.db}); err != nil {
			return err
		}
	}
	for _, address := range p.against {
		if err := p.others(ctx, shop, other{address, "--against-token-file", against, p.againstPID, p.againstDB}); err != nil {
			return err
		}
	}
	if p.url == "" { // the last to start, for the least to end if others are not there
		if err := shop.own(ctx, p.limits); err != nil {
			return err
		}
	}
	shop.nameApart()
	return nil
}

// token is what admits to --url; "" without one.
func (p *benchPlaces) token(warn io.Writer) (string, error) {
	if p.url == "" {
		return "", nil
	}
	return (&place{auth: p.auth, flags: p.flags}).token(warn)
}

func (p *benchPlaces) againstToken(warn io.Writer) (string, error) {
	if !p.flags.Changed("against-token-file") {
		return "", nil
	}
	return p.againstAuth.readFile("--against-token-file", warn)
}

// other is a server that somebody else runs, and what was said about it.
type other struct {
	address   string
	tokenFlag string // with which its token is given
	token     string
	pid       int    // 0 if unknown
	db        string // "" if unknown
}

// others adds one.
func (p *benchPlaces) others(ctx context.Context, shop *workshop, o other) error {
	if _, err := client.New(client.Options{URL: o.address, Token: o.token, AllowPlaintext: p.allowPlaintext}); err != nil {
		return err // the token would travel in the open
	}
	t, err := bench.Look(ctx, o.address, o.token)
	if agentbridge.CodeOf(err) == agentbridge.Unauthenticated {
		return fmt.Errorf("%w (%s)", err, o.tokenFlag)
	}
	if err != nil {
		return err
	}
	if o.token != "" {
		t.Wrong = wrongTokens(o.token)
	}
	t.PID, t.DB = func() int { return o.pid }, o.db
	shop.targets = append(shop.targets, t)
	return nil
}

// nameApart adds the port to servers that have the same name as another, but
// not to our own, whose port is chance.
func (w *workshop) nameApart() {
	count := map[string]int{}
	for _, t := range w.targets {
		count[t.Name]++
	}
	for _, t := range w.targets {
		if u, err := url.Parse(t.URL); err == nil && count[t.Name] > 1 && t.Restart == nil {
			t.Name += " " + portOf(u)
		}
	}
}

func portOf(u *url.URL) string {
	if _, port, err := net.SplitHostPort(u.Host); err == nil {
		return ":" + port
	}
	return u.Host
}

// wrongTokens makes tokens that differ from a right one in one or two places.
// They are as long as it is, so that nothing but the comparison tells.
func wrongTokens(right string) func(int) string {
	return func(n int) string {
		wrong := []byte(right)
		at := n % len(wrong)
		wrong[at] = otherDigit(wrong[at], n/len(wrong))
		return string(wrong)
	}
}

// otherDigit is the n-th hex digit that is not this byte.
func otherDigit(b byte, n int) byte {
	digits := strings.ReplaceAll("0123456789abcdef", string(b), "")
	return digits[n%len(digits)]
}

// inDir is a path in the run's own directory.
func (w *workshop) inDir(name string) string { return filepath.Join(w.dir, name) }
