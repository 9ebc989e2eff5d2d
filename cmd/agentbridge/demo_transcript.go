package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/term"
)

// transcript prints what happens as it happens, and counts.
type transcript struct {
	mu       sync.Mutex // guards everything below; agents speak at once
	w        io.Writer
	color    bool
	start    time.Time
	sent     int
	received int
	checks   int
	took     []time.Duration // of sends
}

func newTranscript(w io.Writer) *transcript {
	f, ok := w.(*os.File)
	return &transcript{w: w, color: ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "", start: time.Now()}
}

// ANSI colours, used on a terminal only.
const (
	bold  = "1"
	cyan  = "36"
	green = "32"
	grey  = "90"
)

func (t *transcript) paint(color, s string) string {
	if !t.color {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

// line prints one line with the time since the beginning.
func (t *transcript) line(color, text string) {
	fmt.Fprintf(t.w, "%s  %s\n", t.paint(grey, fmt.Sprintf("%6.3fs", time.Since(t.start).Seconds())), t.paint(color, text))
}

func (t *transcript) scene(title string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.w, "\n%s\n", t.paint(bold, title))
}

func (t *transcript) stagef(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line(grey, "· "+fmt.Sprintf(format, args...))
}

// checkf notes that a step turned out as it must.
func (t *transcript) checkf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checks++
	t.line(green, "✓ "+fmt.Sprintf(format, args...))
}

func (t *transcript) said(who, kind, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line("0", t.paint(cyan, fmt.Sprintf("%-12s", who))+" "+kind+": "+text)
}

func (t *transcript) count(sent, received int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent += sent
	t.received += received
}

func (t *transcript) timed(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took = append(t.took, d)
}

// summary is the last line. Getting here means that every check held.
func (t *transcript) summary(total time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.took)
	n := len(t.took)
	fmt.Fprintf(t.w, "\n%s\n", t.paint(bold, fmt.Sprintf("ok: %d messages, lost = %d, %d checks; a durable send took p50 %v, max %v; %v in all",
		t.sent, t.sent-t.received, t.checks, round(t.took[n/2]), round(t.took[n-1]), total.Round(10*time.Millisecond))))
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
