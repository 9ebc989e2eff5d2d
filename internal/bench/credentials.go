package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"agentbridge"
)

var credentialsScenario = Scenario{
	Name: "credentials",
	About: "forged tokens that resemble the right one, at the JSON API and at /mcp: all must be refused (401, or 429 after too many from one address), nothing may be stored by them, " +
		"and the right token works in between; time of one refusal",
	Claim: "all 482 operations authenticated, zero unauthorized",
	Run:   runCredentials,
}

const (
	forgeries   = 2000
	forgedBrief = 300
	betweenThem = 50 // forged ones there is a right one
	forgePause  = time.Millisecond
)

func runCredentials(ctx context.Context, r *Run) error {
	if r.Target.Wrong == nil || r.Target.URL == "" {
		r.Add(Result{Note: "not measured: this target asks for no token"})
		return nil
	}
	if r.Doors(HTTP) == nil {
		return nil
	}
	agents, err := r.Enter(ctx, HTTP, 1)
	if err != nil {
		return err
	}
	defer leave(agents)
	f := &forger{run: r, honest: agents[0], ledger: NewLedger(r.ID), own: r.Channel(0), others: r.Channel(1)}
	transport := &http.Transport{Proxy: nil, MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	f.client = &http.Client{Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := f.work(ctx)
	if err != nil {
		return err
	}
	if err := f.check(ctx, &res); err != nil {
		return err
	}
	r.Add(res)
	return nil
}

// forger tries tokens that must not admit, and has an honest agent beside it.
type forger struct {
	run    *Run
	client *http.Client

	honest   Agent
	ledger   *Ledger
	sent     int
	own      string // the honest agent's channel
	others   string // the one that forged requests try to write on
	statuses map[int]int64
}

func (f *forger) work(ctx context.Context) (Result, error) {
	total := forgeries
	if f.run.brief() {
		total = forgedBrief
	}
	f.run.Progress("%d forged tokens", total)
	f.statuses = map[int]int64{}
	var t tally
	use, start := f.run.meter(HTTP), time.Now()
	for n := range total {
		if n%betweenThem == 0 {
			if err := f.right(ctx); err != nil {
				return Result{}, err
			}
		}
		if err := f.forge(ctx, n, &t); err != nil {
			return Result{}, err
		}
	}
	res := Result{Door: HTTP, Agents: 1, Case: "forged tokens refused"}
	elapsed := time.Since(start)
	use.into(&res)
	t.into(&res, elapsed)
	res.figure("answered 401", float64(f.statuses[http.StatusUnauthorized]))
	res.figure("answered 429", float64(f.statuses[http.StatusTooManyRequests]))
	res.figure("admitted", 0)
	res.figure("right tokens between", float64(f.sent))
	return res, nil
}

// right sends with the right token. That it is refused because others guess is
// a fault too: anybody could lock out everybody then.
func (f *forger) right(ctx context.Context) error {
	letter := f.ledger.Letter(0, f.sent, 64)
	f.sent++
	id, err := f.honest.Send(ctx, f.own, letter, "")
	if err != nil {
		return fmt.Errorf("the right token, while others tried wrong ones: %w", err)
	}
	f.ledger.Acked(letter, id)
	return nil
}

// forge tries one token. Its error is that it admitted, or that ctx ended.
func (f *forger) forge(ctx context.Context, n int, t *tally) error {
	req, err := f.request(ctx, n)
	if err != nil {
		return err
	}
	var status int
	start := time.Now()
	resp, err := f.client.Do(req)
	if err != nil {
		t.fail(fmt.Errorf("no answer: %w", err))
		return ctx.Err()
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // or the connection can't be used again
	_ = resp.Body.Close()
	took := time.Since(start)
	status = resp.StatusCode
	f.statuses[status]++
	switch {
	case status < 400:
		return fmt.Errorf("a forged token was admitted: %s %s answered %d", req.Method, req.URL.Path, status)
	case status == http.StatusTooManyRequests:
		t.Add(took)
		return pause(ctx, forgePause)
	case status == http.StatusUnauthorized:
		t.Add(took)
	default:
		t.fail(fmt.Errorf("%s %s answered a forged token with %d", req.Method, req.URL.Path, status))
	}
	return nil
}

// request is what the n-th token is tried at: reading, writing, or MCP.
func (f *forger) request(ctx context.Context, n int) (*http.Request, error) {
	method, path, body := http.MethodGet, "/api/state", ""
	switch n % 3 {
	case 1:
		method, path = http.MethodPost, "/api/send"
		body = fmt.Sprintf(`{"channel":%q,"sender":"forger","content":"this must not be here"}`, f.others)
	case 2:
		method, path = http.MethodPost, "/mcp"
		body = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"forger","version":"0"}}}`
	}
	req, err := http.NewRequestWithContext(ctx, method, f.run.Target.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
	}
	req.Header.Set("Authorization", "Bearer "+f.run.Target.Wrong(n))
	return req, nil
}

// check sees that what was sent with the right token is there, and nothing else.
func (f *forger) check(ctx context.Context, res *Result) error {
	var read Reading
	if err := readAll(ctx, f.honest, f.own, f.ledger, &read); err != nil {
		return err
	}
	f.ledger.Compare(&read, res, nil)
	forged, err := f.honest.Read(ctx, f.others, "", 1)
	if err != nil && agentbridge.CodeOf(err) != agentbridge.NotFound {
		return err
	}
	if len(forged) > 0 {
		return fmt.Errorf("a forged token was refused and its message stored all the same")
	}
	f.run.clear(ctx, f.honest, HTTP, f.own)
	return nil
}
