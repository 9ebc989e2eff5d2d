// This file loads the TLS certificate, and loads it again when it was renewed.

package boundary

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
)

// LoadCertificate returns a configuration for TLS 1.2 and later with the certificate of two PEM files. When the
// files change, new connections get the new certificate; open ones go on. If a new pair can't be
// used the old one stays in use and a line in the log says why. log may be nil.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.seen = c.read()
	pair, err := c.seen.pair()
	if err != nil {
		return nil, fmt.Errorf("the TLS certificate %s with the key %s can't be used: %w", certFile, keyFile, err)
	}
	c.current.Store(pair)
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]

	mu   sync.Mutex // guards seen
	seen files      // when we last looked
}

// get is called for each handshake. Two small files are read each time, which costs little beside the
// handshake and misses no change, as times of files could. One handshake looks; others don't wait for it, nor
// for a file system that hangs.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.mu.TryLock() {
		defer c.mu.Unlock()
		c.refresh()
	}
	return c.current.Load(), nil
}

// refresh looks at the files. Each state of them is tried and reported once: while the two are being
// replaced, one by one, they don't fit. The caller holds mu.
func (c *certificate) refresh() {
	now := c.read()
	if now.equal(c.seen) {
		return
	}
	c.seen = now
	pair, err := now.pair()
	if err != nil {
		c.log.Warn("the new TLS certificate can't be used, the old one stays in use", "error", err)
		return
	}
	c.current.Store(pair)
	c.log.Info("TLS certificate renewed", "file", c.certFile)
}

// files is what the two files held, or why they could not be read.
type files struct {
	cert, key []byte
	err       error
}

func (c *certificate) read() files {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return files{err: err}
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return files{err: err}
	}
	return files{cert: cert, key: key}
}

func (f files) equal(g files) bool {
	if f.err != nil || g.err != nil {
		return f.err != nil && g.err != nil && f.err.Error() == g.err.Error()
	}
	return bytes.Equal(f.cert, g.cert) && bytes.Equal(f.key, g.key)
}

func (f files) pair() (*tls.Certificate, error) {
	if f.err != nil {
		return nil, f.err
	}
	pair, err := tls.X509KeyPair(f.cert, f.key)
	return &pair, err
}
