package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newCertificate makes a certificate for loopback, and its key, in files.
func newCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

// ask is a request with headers, given as pairs, and its answer. "Host" is the
// name to ask for.
func ask(t *testing.T, client *http.Client, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // it may be a stream that should have been refused
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return response, string(content)
}

func wantStatus(t *testing.T, want int, method, url string, headers ...string) (body string) {
	t.Helper()
	response, body := ask(t, http.DefaultClient, method, url, "", headers...)
	if response.StatusCode != want {
		t.Errorf("%s %s %q: status %d, want %d: %s", method, url, headers, response.StatusCode, want, body)
	}
	return body
}

// wantQuiet checks that nothing was written to stderr, and no secret to stdout.
func (p *program) wantQuiet(secret string) {
	p.t.Helper()
	p.terminate()
	p.wantExit(exitOK)
	if banner := strings.Join(p.banner, "\n"); strings.Contains(banner, secret) {
		p.t.Errorf("the banner tells the token:\n%s", banner)
	}
}

// askRaw sends a raw request and returns the first line of the answer.
func askRaw(t *testing.T, url, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, request)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestProcess_serveAsksForTheToken(t *testing.T) {
	const other = "ffffffffffffffffffffffffffffffff"
	right := "Bearer " + goodToken
	for name, c := range map[string]struct{ environment, flags []string }{
		"variable": {[]string{"AGENTBRIDGE_AUTH_TOKEN= " + goodToken + " "}, nil},
		"file":     {nil, []string{"--auth-token-file", write(t, goodToken+"\n")}},
		"flag":     {nil, []string{"--auth-token", goodToken}},
		"file before variable": {
			[]string{"AGENTBRIDGE_AUTH_TOKEN=" + other}, []string{"--auth-token-file", write(t, goodToken)}},
		"file variable before variable": {
			[]string{"AGENTBRIDGE_AUTH_TOKEN=" + other, "AGENTBRIDGE_AUTH_TOKEN_FILE=" + write(t, goodToken)}, nil},
		"flag before all": {
			[]string{"AGENTBRIDGE_AUTH_TOKEN=" + other, "AGENTBRIDGE_AUTH_TOKEN_FILE=" + write(t, other)},
			[]string{"--auth-token", goodToken, "--auth-token-file", write(t, other)}},
	} {
		t.Run(name, func(t *testing.T) {
			p, url := newHome(t).serveIn(t, c.environment, c.flags...)
			for _, path := range []string{"/api/state", "/mcp", "/sse", "/events/channel/c", "/api/nothing"} {
				if body := wantStatus(t, 401, "GET", url+path); !strings.Contains(body, "unauthorized") {
					t.Errorf("GET %s: %s", path, body)
				}
			}
			wantStatus(t, 401, "GET", url+"/api/state", "Authorization", "Bearer "+other)
			wantStatus(t, 200, "GET", url+"/api/state", "Authorization", right)
			wantStatus(t, 200, "GET", url+"/status")
			if answer := askRaw(t, url, "OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 4") {
				t.Errorf("OPTIONS * for another host: %q, want it refused", answer)
			}
			if body := wantStatus(t, 200, "GET", url+"/"); !strings.Contains(body, "/mcp") {
				t.Errorf("GET /: %q", body)
			}
			banner := strings.Join(p.banner, "\n")
			if !strings.Contains(banner, "  token      required") || !strings.Contains(banner, "Authorization: Bearer ${AGENTBRIDGE_AUTH_TOKEN}") || !strings.Contains(banner, "--bearer-token-env-var AGENTBRIDGE_AUTH_TOKEN") {
				t.Errorf("the banner says nothing of a token:\n%s", banner)
			}
			p.wantQuiet(goodToken)
		})
	}
}

func TestProcess_serveSpeaksTLS(t *testing.T) {
	cert, key := newCertificate(t)
	p, url := newHome(t).serve(t, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Errorf("it is at %s, want https", url)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(readFile(t, cert))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	response, body := ask(t, client, "POST", url+"/api/send", `{"channel":"c","sender":"s","content":"x"}`)
	if response.StatusCode != 200 || response.ProtoMajor != 2 {
		t.Errorf("POST /api/send: %s %d %s; want 200 over HTTP/2", response.Proto, response.StatusCode, body)
	}
	if _, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("it accepts TLS 1.1")
	}
	response, body = ask(t, http.DefaultClient, "GET", "http"+strings.TrimPrefix(url, "https")+"/api/state", "")
	if response.StatusCode != 400 || strings.Contains(body, "total_messages") {
		t.Errorf("without TLS: %d %q, want 400 and nothing of the bridge", response.StatusCode, body)
	}

	// An open stream does not keep it from ending, over HTTP/2 either.
	stream, err := client.Get(url + "/events/channel/c")
	if err != nil || stream.StatusCode != 200 {
		t.Fatalf("stream: %v, %v", stream, err)
	}
	defer stream.Body.Close()
	p.terminate()
	p.wantExit(exitOK)
	_, _ = io.Copy(io.Discard, stream.Body) // it ends
	if banner := strings.Join(p.banner, "\n"); !strings.Contains(banner, "  TLS        on, with the certificate in "+cert) {
		t.Errorf("the banner says nothing of TLS:\n%s", banner)
	}
}

// On all addresses the bridge answers to the names it was told and no others,
// or a page whose name points to this machine could read along.
func TestProcess_serveOnAllAddresses(t *testing.T) {
	p, url := newHome(t).serve(t, "--host", "0.0.0.0", "--trusted-host", "bridge.example,*.lan.example",
		"--auth-token", goodToken, "--cors-origin", "https://app.example")
	host, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil || host != "bridge.example" {
		t.Errorf("the banner says %s, want the trusted host", url)
	}
	at := "http://127.0.0.1:" + port
	for host, want := range map[string]int{
		"127.0.0.1:" + port: 200, "localhost": 200, "bridge.example:" + port: 200, "a.lan.example": 200,
		"evil.example": 400, "lan.example": 400, "0.0.0.0:" + port: 400, "10.1.2.3": 400,
	} {
		wantStatus(t, want, "GET", at+"/api/state", "Host", host, "Authorization", "Bearer "+goodToken)
	}
	wantStatus(t, 403, "GET", at+"/api/state", "Origin", "https://evil.example", "Authorization", "Bearer "+goodToken)
	response, _ := ask(t, http.DefaultClient, "GET", at+"/api/state", "", "Origin", "https://app.example", "Authorization", "Bearer "+goodToken)
	if got := response.Header.Get("Access-Control-Allow-Origin"); got != "https://app.example" {
		t.Errorf("Access-Control-Allow-Origin %q, want the listed origin", got)
	}
	p.terminate()
	<-p.exited
	if text := p.complaints(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "unencrypted") {
		t.Errorf("stderr %q, want the one warning that nothing is encrypted", text)
	}
}

// One address to listen on is a name to be reached under without being named
// again.
func TestProcess_serveOnOneAddress(t *testing.T) {
	host := outward(t)
	p, url := newHome(t).serve(t, "--host", host, "--auth-token", goodToken)
	if !strings.HasPrefix(url, "http://"+host+":") {
		t.Errorf("the banner says %s, want %s", url, host)
	}
	wantStatus(t, 200, "GET", url+"/api/state", "Authorization", "Bearer "+goodToken)
	wantStatus(t, 401, "GET", url+"/api/state")
	wantStatus(t, 400, "GET", url+"/api/state", "Host", "evil.example", "Authorization", "Bearer "+goodToken)
	p.terminate()
	<-p.exited

	// Without a token only who says so lets others in.
	_, url = newHome(t).serve(t, "--host", host, "--allow-unauthenticated-network")
	wantStatus(t, 200, "GET", url+"/api/state")
}

// outward is an address of this machine that others may reach.
func outward(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback")
	return ""
}

// X-Forwarded headers are only believed of a proxy that was named: there the
// name that the client asked for counts too.
func TestProcess_serveBehindAProxy(t *testing.T) {
	for proxies, want := range map[string]int{"": 200, "192.0.2.0/24": 200, "192.0.2.0/24, 127.0.0.0/8": 400} {
		_, url := newHome(t).serveIn(t, []string{"AGENTBRIDGE_PROXY=" + proxies}, "--auth-token", goodToken, "--trusted-host", "proxy.example")
		headers := []string{"Host", "proxy.example", "Authorization", "Bearer " + goodToken, "X-Forwarded-Host"}
		wantStatus(t, 200, "GET", url+"/api/state", append(headers, "proxy.example")...)
		wantStatus(t, want, "GET", url+"/api/state", append(headers, "evil.example")...)
	}
}

// Whatever is not there is said in text, without a redirect: names of channels
// may look like paths that could be tidied up.
func TestProcess_servePaths(t *testing.T) {
	_, url := newHome(t).serve(t)
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/nothing":    {404, "Not Found"},
		"/mcp/":       {404, "Not Found"},
		"/sse/":       {404, "Not Found"},
		"/status/":    {404, "Not Found"},
		"/index.html": {404, "Not Found"},
		"//":          {404, "Not Found"},
		"/api":        {404, `{"error":"not found"}`},
		"/api/nope":   {404, `{"error":"not found"}`},
		"/events":     {404, `{"error":"not found"}`},
	} {
		if body := wantStatus(t, want.status, "GET", url+path); strings.TrimSpace(body) != want.body {
			t.Errorf("GET %s: %q, want %q", path, body, want.body)
		}
	}
	wantStatus(t, 405, "POST", url+"/")
	for _, channel := range []string{"a//b", "a/./b", "a..", "a%2Fb%2F", "/c"} {
		stream := get(t, url+"/events/channel/"+channel, "") // 200, from there
		if got := stream.Request.URL.EscapedPath(); got != "/events/channel/"+channel {
			t.Errorf("channel %s: redirected to %s", channel, got)
		}
		stream.Body.Close()
	}
}

// A second server on a port must not even open the database: it would delete
// what is too old for it, and then say that it can't run.
func TestProcess_secondServerTouchesNothing(t *testing.T) {
	h := newHome(t)
	h.age(t, 10*24*time.Hour, "old")
	_, url := h.serve(t)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	before := readFile(t, h.db())
	wantRefusal(t, exitFailed, "port "+port+" on 127.0.0.1 is in use",
		launch(t, h.flags("serve", "--port", port, "--retention-days", "1")...))
	if got := wantStatus(t, 200, "GET", url+"/api/messages?channel=c&full=1"); !strings.Contains(got, `"old"`) {
		t.Errorf("after a second server: %s", got)
	}
	if !bytes.Equal(readFile(t, h.db()), before) {
		t.Error("the database was changed")
	}

	other := home(t.TempDir())
	wantRefusal(t, exitFailed, "is in use", launch(t, other.flags("serve", "--port", port)...))
	if entries, err := os.ReadDir(filepath.Dir(other.db())); err != nil || len(entries) > 0 {
		t.Errorf("it left %v (%v), want nothing", entries, err)
	}
}
