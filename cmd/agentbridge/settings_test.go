package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// void is an output that nobody reads.
type void struct{ io.Writer }

func (void) Close() error { return nil }

// taken is a port of an address that somebody else listens on.
func taken(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(strings.Trim(host, "[]"), "0"))
	if err != nil {
		return "1" // an address that is not ours: nobody can listen there at all
	}
	t.Cleanup(func() { l.Close() })
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// hostOf is what serve will listen on.
func hostOf(environment map[string]string, args []string) string {
	for i, arg := range args {
		if host, ok := strings.CutPrefix(arg, "--host="); ok {
			return host
		}
		if arg == "--host" {
			return args[i+1]
		}
	}
	if host := strings.TrimSpace(environment["AGENTBRIDGE_HOST"]); host != "" {
		return host
	}
	return "127.0.0.1"
}

// outset is what becomes of a start of serve.
type outset struct {
	start  string // what was said
	code   int
	stderr string
}

// begin starts serve with an environment, on a port that is taken: what is
// accepted ends there, with exit code 1, and what is refused before, with 2.
// Neither may touch the database.
func begin(t *testing.T, environment map[string]string, args ...string) outset {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AGENTBRIDGE_") {
			t.Setenv(name, "") // so that it comes back
			os.Unsetenv(name)
		}
	}
	for name, value := range environment {
		t.Setenv(name, value)
	}
	if _, set := environment["AGENTBRIDGE_PORT"]; !set {
		t.Setenv("AGENTBRIDGE_PORT", taken(t, hostOf(environment, args)))
	}
	db := filepath.Join(t.TempDir(), "made", "bridge.db")
	var stderr bytes.Buffer
	args = append([]string{"serve", "--db", db}, args...)
	code := run(t.Context(), args, stdio{io.NopCloser(strings.NewReader("")), void{io.Discard}, &stderr})
	if _, err := os.Stat(filepath.Dir(db)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v %v: the database's directory was made: %v", environment, args, err)
	}
	return outset{fmt.Sprint(environment, args), code, stderr.String()}
}

// wantAccepted checks that only the port was wrong.
func (o outset) wantAccepted(t *testing.T) {
	t.Helper()
	if o.code != exitFailed || !strings.Contains(o.stderr, "is in use") && !strings.Contains(o.stderr, "can't listen on") {
		t.Errorf("%s: exit code %d, stderr %q; want %d and nothing wrong but the port", o.start, o.code, o.stderr, exitFailed)
	}
}

// wantRefused checks for the one line that says what is wrong.
func (o outset) wantRefused(t *testing.T, line string) {
	t.Helper()
	if o.code != exitUsage || o.stderr != "agentbridge: "+line+"\n" {
		t.Errorf("%s: exit code %d, stderr %q;\nwant %d and %q", o.start, o.code, o.stderr, exitUsage, "agentbridge: "+line+"\n")
	}
}

const notBool = "must be one of true/false, yes/no, on/off, or 1/0"

// settings are reference B's variables under our prefix, with their bounds, and
// those that came with us.
var settings = []setting{
	numberSetting("AGENTBRIDGE_MAX_REQUEST_BYTES", "at least 1024", []string{"1024", "262144", "1000000000"}, "1023", "0", "-1"),
	numberSetting("AGENTBRIDGE_MAX_MESSAGE_BYTES", "at least 1 and at most 131072", []string{"1", "131072"}, "0", "131073"),
	numberSetting("AGENTBRIDGE_MAX_SSE", "at least 1", []string{"1", "100000"}, "0", "-5"),
	numberSetting("AGENTBRIDGE_MAX_SSE_PER_CHANNEL", "at least 1", []string{"1", "100000"}, "0"),
	numberSetting("AGENTBRIDGE_MAX_SESSIONS", "at least 20", []string{"20", "100000"}, "19", "0"),
	numberSetting("AGENTBRIDGE_SSE_REPLAY_LIMIT", "at least 1 and at most 10000", []string{"1", "10000"}, "0", "10001"),
	numberSetting("AGENTBRIDGE_RETENTION_DAYS", "at least 0", []string{"0", "1", "2147483647"}, "-1"),
	numberSetting("AGENTBRIDGE_RETENTION_SWEEP_SECONDS", "at least 10", []string{"10", "2147483647"}, "9"),
	numberSetting("AGENTBRIDGE_AUDIT_RETENTION_DAYS", "at least 1", []string{"1", "36500"}, "0"),
	numberSetting("AGENTBRIDGE_SESSION_TTL_SECONDS", "at least 60", []string{"60", "2147483647"}, "59"),
	numberSetting("AGENTBRIDGE_EVENT_POLL_MS", "at least 50 and at most 10000", []string{"50", "10000"}, "49", "10001"),
	numberSetting("AGENTBRIDGE_EVENT_RETENTION_DAYS", "at least 1", []string{"1", "36500"}, "0"),
	numberSetting("AGENTBRIDGE_PORT", "at least 0 and at most 65535", nil, "-1", "65536"),
	boolSetting("AGENTBRIDGE_NO_DASHBOARD"),
	boolSetting("AGENTBRIDGE_ALLOW_UNAUTHENTICATED_NETWORK"),
	boolSetting("AGENTBRIDGE_REQUIRE_TOKEN"),
	boolSetting("AGENTBRIDGE_AUDIT_LOG"),
	boolSetting("AGENTBRIDGE_ENCRYPT"),
	boolSetting("AGENTBRIDGE_STATELESS_HTTP"),
	{"AGENTBRIDGE_TRUSTED_HOSTS", "--trusted-host", []string{"a.example", "a.example, *.b.example,192.0.2.1 ,::1,,"}, map[string]string{
		"http://a.example": `is wrong: "http://a.example" is not a host to trust: write a name, an IP or *.name, without scheme, port or path`,
		"a.example,*":      `is wrong: "*" is not a host to trust: write a name, an IP or *.name, without scheme, port or path`,
	}},
	{"AGENTBRIDGE_CORS_ORIGIN", "--cors-origin", []string{"https://a.example", "https://a.example:8443,http://localhost:3000"}, map[string]string{
		"a.example": `is wrong: "a.example" is not an origin that a browser sends: write scheme://host or scheme://host:port, without a path`,
		"*":         `is wrong: "*" is not an origin that a browser sends: write scheme://host or scheme://host:port, without a path`,
	}},
	{"AGENTBRIDGE_PROXY", "--proxy", []string{"10.0.0.5", "10.0.0.0/24, ::1"}, map[string]string{
		"proxy.example": `is wrong: "proxy.example" is not the address of a proxy: write an IP such as 10.0.0.5 or a CIDR such as 10.0.0.0/24`,
		"0.0.0.0/0":     `is wrong: "0.0.0.0/0" would believe every address: name the proxies`,
	}},
	{"AGENTBRIDGE_CONVERSATION_TTL", "--conversation-ttl", []string{"1s", "8h30m"}, map[string]string{
		"1ms": "must be at least 1s, with a unit, for example 3h or 90m",
		"-3h": "must be at least 1s, with a unit, for example 3h or 90m",
		"3":   "must be at least 1s, with a unit, for example 3h or 90m",
	}},
	{"AGENTBRIDGE_PARTNER_TOKEN", "--partner-token", []string{"both", " invite-only "}, map[string]string{
		"none": "must be both or invite-only",
		"true": "must be both or invite-only",
	}},
	{"AGENTBRIDGE_HOST", "--host", []string{"::1", "[::1]", "localhost", "LOCALHOST", "127.0.0.2"}, map[string]string{
		"a b":            `must be an address or a name without scheme, port or path, not "a b"`,
		"127.0.0.1:8765": `must be an address or a name without scheme, port or path, not "127.0.0.1:8765"`,
		"*":              "must be an address or a name, not a pattern; 0.0.0.0 and :: stand for all addresses",
	}},
}

type setting struct {
	variable string
	flag     string
	good     []string
	bad      map[string]string // what is said after the setting's name
}

func flagOf(variable string) string {
	return "--" + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, "AGENTBRIDGE_")), "_", "-")
}

func numberSetting(variable, bounds string, good []string, outside ...string) setting {
	for _, text := range good {
		good = append(good, " "+text+"\t")
	}
	s := setting{variable, flagOf(variable), good, map[string]string{}}
	for _, text := range []string{"many", "1.5", "1e3", "0x10", "1 2", "²"} {
		s.bad[text] = "must be an integer, " + bounds
	}
	for _, text := range append(outside, "-99999999999999999999") {
		s.bad[text] = "must be " + bounds
	}
	return s
}

func boolSetting(variable string) setting {
	return setting{variable, flagOf(variable), []string{"1", "true", "yes", "on", "TRUE", "Yes", "oN", "0", "false", "no", "off", "FALSE", " off "},
		map[string]string{"2": notBool, "y": notBool, "enabled": notBool, "true,false": notBool}}
}

func TestSettings_inTheEnvironment(t *testing.T) {
	for _, s := range settings {
		t.Run(s.variable, func(t *testing.T) {
			for _, value := range s.good {
				begin(t, map[string]string{s.variable: value}).wantAccepted(t)
			}
			if s.variable != "AGENTBRIDGE_PORT" { // whose default is perhaps free
				begin(t, map[string]string{s.variable: ""}).wantAccepted(t)
				begin(t, map[string]string{s.variable: "  "}).wantAccepted(t)
			}
			for value, words := range s.bad {
				begin(t, map[string]string{s.variable: value}).wantRefused(t, s.variable+" "+words)
			}
		})
	}
}

func TestSettings_onTheCommandLine(t *testing.T) {
	for _, s := range settings {
		t.Run(s.flag, func(t *testing.T) {
			for _, value := range s.good {
				begin(t, nil, s.flag+"="+value).wantAccepted(t)
			}
			for value, words := range s.bad {
				// It wins over a good value in the environment, and so does a
				// good one over a bad value there.
				begin(t, map[string]string{s.variable: "1"}, s.flag+"="+value).wantRefused(t, s.flag+" "+words)
				for _, good := range s.good[:min(len(s.good), 1)] {
					begin(t, map[string]string{s.variable: value}, s.flag+"="+good).wantAccepted(t)
				}
			}
		})
	}
}

// A number beyond what a machine can hold is too large, not another one.
func TestSettings_hugeNumbers(t *testing.T) {
	begin(t, nil, "--max-sse", "99999999999999999999").wantRefused(t, "--max-sse must be at least 1 and at most 2147483647")
	begin(t, nil, "--sse-replay-limit", "99999999999999999999").wantRefused(t, "--sse-replay-limit must be at least 1 and at most 10000")
}

// Variables of flags that a command lacks are nobody's business there.
func TestSettings_ofOthersAreIgnored(t *testing.T) {
	for name, value := range map[string]string{"AGENTBRIDGE_MAX_SSE": "x", "AGENTBRIDGE_HOST": "0.0.0.0", "AGENTBRIDGE_REQUIRE_TOKEN": "x", "AGENTBRIDGE_NO_DASHBOARD": "perhaps"} {
		t.Setenv(name, value)
	}
	var stderr bytes.Buffer
	in := io.NopCloser(strings.NewReader(""))
	if code := run(t.Context(), []string{"stdio", "--db", filepath.Join(t.TempDir(), "bridge.db")}, stdio{in, void{io.Discard}, &stderr}); code != exitOK || stderr.Len() > 0 {
		t.Errorf("stdio: exit code %d, stderr %q; want 0 and nothing", code, &stderr)
	}
}

func TestSettings_ofStdio(t *testing.T) {
	for variable, words := range map[string]string{
		"AGENTBRIDGE_RETENTION_DAYS":          "must be an integer, at least 0",
		"AGENTBRIDGE_RETENTION_SWEEP_SECONDS": "must be an integer, at least 10",
		"AGENTBRIDGE_MAX_MESSAGE_BYTES":       "must be an integer, at least 1 and at most 131072",
		"AGENTBRIDGE_EVENT_POLL_MS":           "must be an integer, at least 50 and at most 10000",
		"AGENTBRIDGE_CONVERSATION_TTL":        "must be at least 1s, with a unit, for example 3h or 90m",
		"AGENTBRIDGE_PARTNER_TOKEN":           "must be both or invite-only",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, "x")
			var stderr bytes.Buffer
			in := io.NopCloser(strings.NewReader(""))
			code := run(t.Context(), []string{"stdio", "--db", filepath.Join(t.TempDir(), "bridge.db")}, stdio{in, void{io.Discard}, &stderr})
			outset{"stdio", code, stderr.String()}.wantRefused(t, variable+" "+words)
		})
	}
}

// The same setting under two names must not be decided by a coin.
func TestSettings_twoNames(t *testing.T) {
	begin(t, map[string]string{"AGENTBRIDGE_TRUSTED_HOST": "a.example"}).wantAccepted(t)
	begin(t, map[string]string{"AGENTBRIDGE_TRUSTED_HOST": "a.example", "AGENTBRIDGE_TRUSTED_HOSTS": "b.example"}).wantRefused(t,
		"AGENTBRIDGE_TRUSTED_HOST and AGENTBRIDGE_TRUSTED_HOSTS are both set and mean the same; unset one of them")
}
