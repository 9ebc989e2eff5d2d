package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"agentbridge"
	"agentbridge/client"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// place says where the bridge is: at a URL, or in a database of this machine.
type place struct {
	storeFlags
	url            string
	auth           authFlags // only its file
	caCert         string
	allowPlaintext bool

	flags       *pflag.FlagSet
	agent       agentbridge.AgentName               // whose token it is, once the bridge is open; "" if nobody's in particular
	onReconnect func(err error, wait time.Duration) // nil if nobody wants to know
}

// intent is what a command means to do with a bridge.
type intent bool

const (
	toLook intent = false // at what is there: a database must exist
	toSend intent = true  // a database that does not exist is made
)

// declare adds the flags to a command.
func (p *place) declare(cmd *cobra.Command) *cobra.Command {
	p.storeFlags.declare(cmd)
	p.declareEncrypt(cmd)
	p.flags = cmd.Flags()
	p.flags.StringVar(&p.url, "url", "", "address of a bridge that 'agentbridge serve' runs, instead of a local database")
	p.auth.declareFile(p.flags, "`file` with the token for --url, or with that of the agent that calls; or put the token into the environment variable "+tokenVariable)
	p.flags.StringVar(&p.caCert, "ca-cert", "", "PEM `file` with the only certificates to trust at --url")
	p.flags.BoolVar(&p.allowPlaintext, "allow-plaintext", false, "send the token to another machine without encryption")
	return cmd
}

// named tells whether one of some flags stands on the command line, where it
// wins over whatever the environment says.
func (p *place) named(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return onCommandLine(p.flags, name) })
}

// consumer is whose cursor to read from, "" for nobody's: one that only the
// environment names gives way to a position on the command line.
func (p *place) consumer(name string) (agentbridge.AgentName, error) {
	if name == "" || p.named("since", "before", "last") && !p.named("consumer") {
		return "", nil
	}
	return agentbridge.ParseAgentName("--consumer", name)
}

// with opens the bridge for one command and closes it afterwards.
func (p *place) with(cmd *cobra.Command, in intent, do func(context.Context, agentbridge.Session) error) error {
	remote, err := p.remote()
	if err != nil {
		return err
	}
	var s agentbridge.Session
	var done func() error
	if remote {
		s, done, err = p.dial(cmd.ErrOrStderr())
	} else {
		s, done, err = p.local(cmd, in)
	}
	if err != nil {
		return err
	}
	return errors.Join(do(cmd.Context(), s), done())
}

// remote tells whether the bridge is at a URL. A database named on the command
// line wins over a URL in the environment.
func (p *place) remote() (bool, error) {
	if p.named("db") && p.named("url") {
		return false, usageError{errors.New("--db and --url name two bridges; leave one of them out")}
	}
	return p.url != "" && (p.named("url") || !p.named("db")), nil
}

func (p *place) local(cmd *cobra.Command, in intent) (agentbridge.Session, func() error, error) {
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(p.db); in == toLook && errors.Is(err, os.ErrNotExist) {
		return nil, nil, agentbridge.Refuse(agentbridge.NotFound, "", "there is no database at %s yet; start the bridge first, or name another with --db or --url", p.db)
	}
	redactor, err := p.redactor()
	if err != nil {
		return nil, nil, err
	}
	token, err := ownToken(p.flags, &p.auth, cmd.ErrOrStderr())
	if err != nil {
		return nil, nil, err
	}
	b, err := p.open(cmd.Context(), newLogger(cmd.ErrOrStderr(), redactor), redactor)
	if err != nil {
		return nil, nil, err
	}
	s, err := p.session(cmd.Context(), b, token)
	if err != nil {
		return nil, nil, errors.Join(err, b.close())
	}
	return s, b.close, nil
}

// session acts for the agent whose token it is, or for the owner of the files.
func (p *place) session(ctx context.Context, b *bridge, token string) (agentbridge.Session, error) {
	who, err := b.acting(ctx, token)
	if err != nil {
		return nil, err
	}
	principal, err := who(ctx)
	if err != nil {
		return nil, err
	}
	p.agent = principal.Name
	return b.Open(ctx, principal)
}

func (p *place) dial(warn io.Writer) (agentbridge.Session, func() error, error) {
	token, err := p.token(warn)
	if err != nil {
		return nil, nil, err
	}
	roots, err := p.roots()
	if err != nil {
		return nil, nil, err
	}
	c, err := client.New(client.Options{URL: p.url, Token: token, RootCAs: roots, AllowPlaintext: p.allowPlaintext, OnReconnect: p.onReconnect})
	if err != nil {
		return nil, nil, err
	}
	return c, func() error { c.Close(); return nil }, nil
}

// tokenVariable holds the token for a bridge at a URL, or the agent's that a
// process acts by on a local database (see ownToken). There is no flag for it:
// everybody on a machine can see the arguments of all its processes.
const tokenVariable = "AGENTBRIDGE_AUTH_TOKEN"

// token is what admits to the bridge at --url, "" for nothing. A file comes
// before the variable, as for the server.
func (p *place) token(warn io.Writer) (string, error) {
	if p.flags.Changed("auth-token-file") {
		return p.auth.readFile(calledBy(p.flags, "auth-token-file"), warn)
	}
	if text, set := os.LookupEnv(tokenVariable); set {
		return checkToken(text, tokenVariable, "")
	}
	return "", nil
}

// maxCerts bounds the file of --ca-cert, in bytes.
const maxCerts = 1 << 20

// roots are the certificates of --ca-cert, nil for the system's.
func (p *place) roots() (*x509.CertPool, error) {
	if p.caCert == "" {
		return nil, nil
	}
	raw, err := readSome(p.caCert, maxCerts)
	if err != nil {
		return nil, usageError{fmt.Errorf("--ca-cert: %w", err)}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, usageError{fmt.Errorf("--ca-cert %s holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", p.caCert)}
	}
	return pool, nil
}

// readSome reads a file of at most limit bytes.
func readSome(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return raw, err
}

// interruptibly returns what f returns, but not much later than ctx ends: a read
// from a terminal and a write to a stuck reader can't be interrupted, and must
// not make the program deaf to Ctrl-C. An f that has not returned when grace is
// over goes on until the process ends.
func interruptibly[T any](ctx context.Context, grace time.Duration, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
		var none T
		return none, ctx.Err()
	}
}

// said is a name or text in a sentence for people: inert, and in quotes.
func said[S ~string](s S) string { return "'" + inert(s) + "'" }

// counted counts things: 1 message, 2 messages.
func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
