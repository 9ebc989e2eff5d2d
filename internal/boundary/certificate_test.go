package boundary_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"agentbridge/internal/boundary"
)

// pair makes a certificate and its key in PEM.
func pair(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// secure is a TLS server with a certificate in files. /stream writes a line for each word it is sent.
type secure struct {
	t                 *testing.T
	certFile, keyFile string
	address           string
	words             chan string

	mu  sync.Mutex // guards log
	log bytes.Buffer
}

func newSecure(t *testing.T) *secure {
	dir := t.TempDir()
	s := &secure{t: t, certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem"), words: make(chan string)}
	s.write(pair(t, "first"))
	config, err := boundary.LoadCertificate(s.certFile, s.keyFile, slog.New(slog.NewTextHandler(s, nil)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	server := &http.Server{TLSConfig: config, Handler: http.HandlerFunc(s.stream), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go server.ServeTLS(l, "", "")
	t.Cleanup(func() { server.Close() })
	return s
}

func (s *secure) stream(w http.ResponseWriter, r *http.Request) {
	for {
		select {
		case <-r.Context().Done():
			return
		case word := <-s.words:
			io.WriteString(w, word+"\n")
			http.NewResponseController(w).Flush()
		}
	}
}

func (s *secure) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *secure) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *secure) write(cert, key []byte) {
	s.t.Helper()
	for name, content := range map[string][]byte{s.certFile: cert, s.keyFile: key} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// want connects anew and looks at the certificate.
func (s *secure) want(name string) {
	s.t.Helper()
	conn, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().PeerCertificates[0].Subject.CommonName; got != name {
		s.t.Errorf("the certificate is %q, want %q", got, name)
	}
}

func TestCertificate_renewed(t *testing.T) {
	for _, protocols := range [][]string{{"http/1.1"}, {"h2"}} {
		s := newSecure(t)
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}}}
		go func() { s.words <- "before" }()
		resp, err := client.Get("https://" + s.address + "/stream")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		lines := bufio.NewReader(resp.Body)
		read := func(want string) {
			t.Helper()
			if line, err := lines.ReadString('\n'); err != nil || line != want+"\n" {
				t.Fatalf("%s: got %q, %v, want %q", resp.Proto, line, err, want)
			}
		}
		read("before")
		s.want("first")

		s.write(pair(t, "second"))
		s.want("second")
		s.words <- "after"
		read("after")

		// While the two files are being replaced they don't fit; nobody notices.
		cert, key := pair(t, "third")
		oldKey, err := os.ReadFile(s.keyFile)
		if err != nil {
			t.Fatal(err)
		}
		s.write(cert, oldKey)
		for range 3 {
			s.want("second")
		}
		s.write(cert, key)
		s.want("third")
		s.words <- "later"
		read("later")
		if log := s.logged(); strings.Count(log, "can't be used") != 1 || strings.Count(log, "certificate renewed") != 2 {
			t.Errorf("logged:\n%s", log)
		}
	}
}

func TestCertificate_badNewOne(t *testing.T) {
	s := newSecure(t)
	lines := 0
	for name, damage := range map[string]func() error{
		"garbage": func() error { return os.WriteFile(s.certFile, []byte("garbage"), 0o600) },
		"empty":   func() error { return os.WriteFile(s.keyFile, nil, 0o600) },
		"no file": func() error { return os.Remove(s.certFile) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		lines++
		for range 3 {
			s.want("first")
		}
		if log := s.logged(); strings.Count(log, "\n") != lines || strings.Count(log, "the old one stays in use") != lines {
			t.Errorf("%s: logged, want %d lines:\n%s", name, lines, log)
		}
		// Whole again, for the next damage to be a change.
		s.write(pair(t, "first"))
		s.want("first")
		lines++
		if log := s.logged(); strings.Count(log, "\n") != lines {
			t.Errorf("after %s: logged, want %d lines:\n%s", name, lines, log)
		}
		s.mu.Lock()
		s.log.Reset()
		s.mu.Unlock()
		lines = 0
	}
}

func TestCertificate_oldTLS(t *testing.T) {
	s := newSecure(t)
	_, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		t.Error("TLS 1.1 is accepted")
	}
}

func TestCertificate_refused(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := pair(t, "x")
	_, otherKey := pair(t, "y")
	for name, files := range map[string][2][]byte{
		"no key": {cert, nil}, "another's key": {cert, otherKey}, "swapped": {key, cert}, "nothing": {nil, nil},
	} {
		os.Remove(certFile)
		os.Remove(keyFile)
		for i, file := range []string{certFile, keyFile} {
			if files[i] != nil {
				if err := os.WriteFile(file, files[i], 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, err := boundary.LoadCertificate(certFile, keyFile, nil)
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), certFile) {
			t.Errorf("%s: got %v, want one line that names the file", name, err)
		}
	}
}
