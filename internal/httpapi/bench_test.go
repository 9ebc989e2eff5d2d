package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/store"
)

func report(b *testing.B, prefix string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), prefix+"p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), prefix+"p99-µs")
}

// poster is a client that keeps its connection.
type poster struct {
	client http.Client
	url    string
	body   string
}

func newPoster(url, channel string) *poster {
	return &poster{http.Client{Transport: &http.Transport{}}, url,
		`{"channel":"` + channel + `","sender":"bench","content":"` + strings.Repeat("the quick brown fox jumps over the lazy dog, ", 22) + `"}`}
}

func (p *poster) post() error {
	res, err := p.client.Post(p.url, "application/json", strings.NewReader(p.body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
		return fmt.Errorf("POST %s = %s, %v", p.url, res.Status, err)
	}
	return nil
}

// wrk is a client that costs the machine little, as load generators are: it
// writes the same bytes again and again, and of an answer reads the status and
// as much as its length says.
type wrk struct {
	conn    net.Conn
	answers *bufio.Reader
	request []byte
}

func newWrk(b *testing.B, url, channel string) *wrk {
	p := newPoster(url+"/api/send", channel)
	host := strings.TrimPrefix(url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &wrk{conn, bufio.NewReader(conn), fmt.Appendf(nil, "POST /api/send HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", host, len(p.body), p.body)}
}

func (w *wrk) send() error {
	if _, err := w.conn.Write(w.request); err != nil {
		return err
	}
	length := 0
	for first := true; ; first = false {
		line, err := w.answers.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("POST /api/send = %s", line)
		}
		if n, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(n)))
		}
		if len(line) == len("\r\n") {
			_, err := w.answers.Discard(length)
			return err
		}
	}
}

// BenchmarkSend is the rate of durable sends of 1 KiB with 16 clients that keep
// their connections, on the same machine, and beside it the rate at which a bare
// net/http server reads such requests and answers them.
func BenchmarkSend(b *testing.B) {
	h := newHall(b, httpapi.Options{})
	echo := newEcho()
	defer echo.Close()
	b.ResetTimer()
	b.ReportMetric(rate(b, h.url), "sends/s")
	b.StopTimer()
	b.ReportMetric(rate(b, echo.URL), "echo/s")
}

// rate makes b.N requests with 16 clients.
func rate(b *testing.B, url string) float64 {
	const clients = 16
	work := make(chan struct{}, clients)
	var wg sync.WaitGroup
	for i := range clients {
		w := newWrk(b, url, fmt.Sprint("bench:", i))
		wg.Go(func() {
			for range work {
				if err := w.send(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	start := time.Now()
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	return float64(b.N) / time.Since(start).Seconds()
}

// newEcho is a bare net/http server that reads a request and answers as much as
// a send does.
func newEcho() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body[:160])
	}))
}

// BenchmarkLoneSend is one send after the other, and beside each what a write
// and fdatasync of 4 KiB in the same directory takes and what a bare net/http
// server takes to read such a request and answer it.
func BenchmarkLoneSend(b *testing.B) {
	h := newHall(b, httpapi.Options{})
	echo := newEcho()
	defer echo.Close()
	f, err := os.Create(filepath.Join(h.bridge.Dir, "block"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := bytes.Repeat([]byte("x"), 4096)
	send, bare := newPoster(h.url+"/api/send", "bench"), newPoster(echo.URL, "bench")
	steps := []func() error{
		func() error { _, err := f.WriteAt(block, 0); return errorOf(err, fdatasync(f)) },
		bare.post,
		send.post,
	}
	took := make([][]time.Duration, len(steps))
	for b.Loop() {
		for i, step := range steps {
			start := time.Now()
			if err := step(); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(start))
		}
	}
	for i, prefix := range []string{"disk-", "echo-", ""} {
		report(b, prefix, took[i])
	}
	b.ReportMetric(float64((took[2][len(took[2])/2] - took[0][len(took[0])/2]).Microseconds()), "over-disk-µs")
}

func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkSubscribers is the time from the beginning of a send until its
// message is read by each of the subscribers of its channel.
func BenchmarkSubscribers(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := newHall(b, httpapi.Options{MaxPerChannel: n})
			body, err := agentbridge.Text(strings.Repeat("x", 200))
			if err != nil {
				b.Fatal(err)
			}
			read := make(chan time.Time, n)
			var wg sync.WaitGroup
			ctx, cancel := context.WithCancel(b.Context())
			for range n {
				res, err := http.DefaultClient.Do(h.request(http.MethodGet, "/events/channel/bench", nil).WithContext(ctx))
				if err != nil {
					b.Fatal(err)
				}
				wg.Go(func() { watch(res.Body, read) })
			}
			h.wantSubscribers(n)
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := h.Send(ctx, agentbridge.Draft{Channel: "bench", Sender: "bench", Body: body}); err != nil {
					b.Fatal(err)
				}
				for range n {
					took = append(took, (<-read).Sub(start))
				}
			}
			cancel()
			wg.Wait()
			report(b, "", took)
		})
	}
}

// watch tells when a frame with a message has been read from a stream.
func watch(body io.ReadCloser, read chan<- time.Time) {
	defer body.Close()
	buf := make([]byte, 4096)
	for {
		n, err := body.Read(buf)
		if err != nil {
			return
		}
		for range bytes.Count(buf[:n], []byte("event: message")) {
			read <- time.Now()
		}
	}
}

// BenchmarkState is a GET of /api/state with 200,000 messages in 200 channels.
func BenchmarkState(b *testing.B) {
	const channels, each = 200, 1000
	h := newHall(b, httpapi.Options{})
	fill(b, h.bridge, channels, each)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if a := h.get("/api/state"); a.status != 200 || !strings.Contains(a.body, `"total_messages":200000`) {
			b.Fatalf("%s = %d %.200s", a.call, a.status, a.body)
		}
		took = append(took, time.Since(start))
	}
	report(b, "", took)
}

// fill puts so many messages into each of so many channels, many to a commit.
func fill(b *testing.B, bridge *bridgetest.Bridge, channels, each int) {
	b.Helper()
	m := agentbridge.Message{Sender: "bench", Content: strings.Repeat("x", 200), Encoding: agentbridge.LegacyText, At: time.Now()}
	for i := range channels {
		err := bridge.Store.Update(b.Context(), func(t store.Tx) error {
			c, err := t.OpenChannel(agentbridge.ChannelName(fmt.Sprintf("full:%03d", i)), false)
			if err != nil {
				return err
			}
			for range each {
				m, err := t.Append(c, m)
				if err != nil {
					return err
				}
				detail := fmt.Appendf(nil, `{"id":%q,"seq":%d,"bytes":%d}`, m.ID, m.Seq, len(m.Content))
				if err := t.Log(agentbridge.Entry{At: m.At, Actor: m.Sender, Action: agentbridge.ActionSend, Target: c.Name, Detail: detail}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdleStreams is what 1,000 open streams take that nothing is sent on:
// the growth of what the runtime got from the system (runtime.MemStats.Sys),
// which here holds the server's side and the clients' side of each connection.
// It tells the truth only if nothing ran before it in the process, which would
// have left memory to use again: -bench IdleStreams -benchtime 1x.
func BenchmarkIdleStreams(b *testing.B) {
	const streams = 1000
	for b.Loop() {
		h := newHall(b, httpapi.Options{MaxStreams: streams, MaxPerChannel: streams})
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ReadBufferSize: 512, WriteBufferSize: 512}}
		before := memory()
		ctx, cancel := context.WithCancel(b.Context())
		for i := range streams {
			res, err := client.Do(h.request(http.MethodGet, fmt.Sprint("/events/channel/bench:", i%40), nil).WithContext(ctx))
			if err != nil {
				b.Fatal(err)
			}
			defer res.Body.Close()
		}
		h.wantSubscribers(streams)
		after := memory()
		b.ReportMetric(float64(after.Sys-before.Sys)/(1<<20), "Sys-MiB")
		b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/(1<<20), "in-use-MiB")
		cancel()
		h.server.Close()
	}
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}
