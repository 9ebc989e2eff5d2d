package redact_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentbridge/internal/redact"
	"agentbridge/internal/redact/corpus"
)

// The floors: how much of the corpus must be found, how little of what is
// harmless may be touched.
const (
	recallFloor    = 0.97
	strictFloor    = 0.96
	falsePositives = 0.01
)

// recallSeeds are the sets that are measured; the floors hold for each alone.
var recallSeeds = []uint64{1, 20261121, 314159, 987654321}

// tally counts the texts of one class.
type tally struct{ texts, found, strict int }

// add counts a text: found means that no complete secret is left and that
// something was replaced, strict that no long run of a secret is left either.
func (t *tally) add(text corpus.Text, out string) {
	whole, part := text.Leak(out)
	changed := out != text.Text
	t.texts++
	if changed && !whole {
		t.found++
	}
	if changed && !part {
		t.strict++
	}
}

func (t tally) recall() float64 { return float64(t.found) / float64(max(1, t.texts)) }
func (t tally) strictly() float64 {
	return float64(t.strict) / float64(max(1, t.texts))
}

func (t tally) row(name string) string {
	return fmt.Sprintf("| %s | %d | %.1f %% | %.1f %% |\n", name, t.texts, 100*t.recall(), 100*t.strictly())
}

// result is what one engine did with one or more sets.
type result struct {
	classes   map[corpus.Class]*tally
	all       tally
	negatives int
	touched   int
	wrong     map[string][]string // by class and kind: text and what became of it
}

func newResult() *result {
	return &result{classes: map[corpus.Class]*tally{}, wrong: map[string][]string{}}
}

func (r *result) add(text corpus.Text, out string) {
	kind := fmt.Sprintf("%s: %s", text.Class, text.Kind)
	if text.Class == corpus.Negative {
		r.negatives++
		if out != text.Text {
			r.touched++
			r.wrong[kind] = append(r.wrong[kind], example(text, out))
		}
		return
	}
	if r.classes[text.Class] == nil {
		r.classes[text.Class] = &tally{}
	}
	r.classes[text.Class].add(text, out)
	r.all.add(text, out)
	if _, part := text.Leak(out); part || out == text.Text {
		r.wrong[kind] = append(r.wrong[kind], example(text, out))
	}
}

func example(text corpus.Text, out string) string {
	return fmt.Sprintf("in:  %.600q\nout: %.600q\nsecrets: %.300q", text.Text, out, text.Secrets)
}

func (r *result) rate() float64 { return float64(r.touched) / float64(max(1, r.negatives)) }

// table is what docs/benchmarks.md shows.
func (r *result) table() string {
	var b strings.Builder
	b.WriteString("\n| class | texts | recall | strict |\n|---|---|---|---|\n")
	for _, class := range corpus.Classes {
		if t := r.classes[class]; t != nil {
			b.WriteString(t.row(string(class)))
		}
	}
	b.WriteString(r.all.row("**all**"))
	fmt.Fprintf(&b, "\nOf %d texts without a secret %d were touched: %.2f %%.\n", r.negatives, r.touched, 100*r.rate())
	return b.String()
}

// mistakes lists the kinds that went wrong with up to three examples each.
func (r *result) mistakes() string {
	kinds := make([]string, 0, len(r.wrong))
	for kind := range r.wrong {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	var b strings.Builder
	for _, kind := range kinds {
		list := r.wrong[kind]
		fmt.Fprintf(&b, "\n%s (%d)\n%s\n", kind, len(list), strings.Join(list[:min(3, len(list))], "\n\n"))
	}
	return b.String()
}

func (r *result) check(t *testing.T) {
	t.Helper()
	if r.all.texts == 0 || r.negatives == 0 {
		t.Error("the set is empty")
	}
	if r.all.recall() < recallFloor || r.all.strictly() < strictFloor {
		t.Errorf("recall %.4f, strict %.4f; want %v, %v", r.all.recall(), r.all.strictly(), recallFloor, strictFloor)
	}
	if r.rate() > falsePositives {
		t.Errorf("touched %.4f of the harmless texts; want at most %v", r.rate(), falsePositives)
	}
}

func newRedactor(t testing.TB) *redact.Redactor {
	t.Helper()
	r := redact.New(nil)
	return r
}

// TestRecall measures the engine on texts it was not written for. With -v it
// prints the table for docs/benchmarks.md; when it fails, what went wrong.
func TestRecall(t *testing.T) {
	r := newRedactor(t)
	total := newResult()
	for _, seed := range recallSeeds {
		one := newResult()
		for _, text := range corpus.Generate(seed) {
			out, _ := r.Text(text.Text)
			one.add(text, out)
			total.add(text, out)
		}
		t.Run(fmt.Sprint("seed ", seed), one.check)
	}
	t.Log(total.table())
	if t.Failed() {
		t.Log(total.mistakes())
	}
}

// Text that was redacted is stored, read, quoted and redacted again: it must
// not change any more, and its counts must say that nothing was found.
func TestRecall_idempotent(t *testing.T) {
	r := newRedactor(t)
	for _, seed := range recallSeeds {
		for _, text := range corpus.Generate(seed) {
			once, found := r.Text(text.Text)
			if (once != text.Text) != (len(found) > 0) {
				t.Errorf("%s: changed is %v, but found %v:\n%q", text.Kind, once != text.Text, found, text.Text)
			}
			twice, again := r.Text(once)
			if twice != once || len(again) > 0 {
				t.Errorf("%s: a second pass found %v\nonce:  %.600q\ntwice: %.600q", text.Kind, again, once, twice)
			}
		}
	}
}

// BenchmarkText runs over the set cut into messages of 2 KB, once the texts with
// secrets (one on nearly every line) and once the harmless ones, and reports the median
// and the 99th percentile per message.
func BenchmarkText(b *testing.B) {
	b.Run("secrets", func(b *testing.B) { benchmarkText(b, messagesOf(2048, true)) })
	b.Run("harmless", func(b *testing.B) { benchmarkText(b, messagesOf(2048, false)) })
}

func benchmarkText(b *testing.B, messages []string) {
	r := newRedactor(b)
	for _, m := range messages {
		r.Text(m) // rules may be compiled at first use
	}
	times := make([]time.Duration, 0, 1<<16)
	b.SetBytes(2048)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		r.Text(messages[i%len(messages)])
		if took := time.Since(start); len(times) < cap(times) {
			times = append(times, took)
		}
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "p99-ns")
}

// messagesOf cuts the texts of the first set, with or without secrets, into
// pieces of n bytes.
func messagesOf(n int, secrets bool) []string {
	var all strings.Builder
	for _, text := range corpus.Generate(recallSeeds[0]) {
		if (len(text.Secrets) > 0) == secrets {
			all.WriteString(text.Text)
			all.WriteString("\n\n")
		}
	}
	var messages []string
	for rest := all.String(); len(rest) >= n; rest = rest[n:] {
		messages = append(messages, strings.ToValidUTF8(rest[:n], "?"))
	}
	return messages
}
