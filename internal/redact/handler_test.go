package redact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"agentbridge/internal/redact"
)

// A word of ours, so that these tests don't depend on what is built in.
const word = "ACME-4711-0815"

func withWord(t testing.TB) *redact.Redactor {
	t.Helper()
	r := redact.New(mustLoad(t, "[[pattern]]\nname = 'acme'\nregexp = 'ACME-[0-9]{4}-[0-9]{4}'\n"))
	return r
}

type (
	hasString   struct{ hidden string }
	hasText     struct{ hidden string }
	hasJSON     struct{ hidden string }
	hasValue    struct{ v any }
	bytesOfOurs []byte
	hasNothing  struct {
		Name  string
		Inner *hasNothing `json:",omitempty"`
	}
	oddError struct{ hidden string }
	panics   struct{}
)

func (v hasString) String() string               { return "text " + v.hidden }
func (v hasText) MarshalText() ([]byte, error)   { return []byte("text " + v.hidden), nil }
func (v hasJSON) MarshalJSON() ([]byte, error)   { return json.Marshal("json " + v.hidden) }
func (v hasValue) LogValue() slog.Value          { return slog.AnyValue(v.v) }
func (e oddError) Error() string                 { return "odd" }
func (e oddError) MarshalJSON() ([]byte, error)  { return json.Marshal("json " + e.hidden) }
func (panics) MarshalText() ([]byte, error)      { panic("no text: " + word) }
func (p *panics) Error() string                  { panic("no error: " + word) }
func (e oddError) Format(s fmt.State, verb rune) { fmt.Fprint(s, "odd ", e.hidden) }

// Wherever a secret stands in a record, and whichever handler writes it, it is
// not written.
func TestHandler_hides(t *testing.T) {
	log := func(args ...any) func(*slog.Logger) {
		return func(l *slog.Logger) { l.Error("failed", args...) }
	}
	r := withWord(t)
	for name, write := range map[string]func(*slog.Logger){
		"message":          func(l *slog.Logger) { l.Warn("sent " + word) },
		"text":             log("a", "x "+word),
		"key":              log(word, 1),
		"error":            log("err", errors.New("open "+word)),
		"wrapped error":    log("err", fmt.Errorf("send: %w", errors.Join(errors.New("a"), errors.New(word)))),
		"error and more":   log("err", oddError{word}),
		"Stringer":         log("a", hasString{word}),
		"TextMarshaler":    log("a", hasText{word}),
		"JSON":             log("a", hasJSON{word}),
		"bytes":            log("a", []byte(word)),
		"bytes of ours":    log("a", bytesOfOurs(word)),
		"raw JSON":         log("a", json.RawMessage(`"`+word+`"`)),
		"struct":           log("a", hasNothing{Name: word}),
		"struct far below": log("a", hasNothing{Inner: &hasNothing{Name: word}}),
		"pointer":          log("a", &hasNothing{Name: word}),
		"map":              log("a", map[string]any{word: []any{1}}),
		"list":             log("a", []any{1, []string{word}}),
		"panic":            log("a", panics{}),
		"panicking error":  log("a", &panics{}),
		"LogValuer":        log("a", hasValue{hasValue{"x " + word}}),
		"LogValuer group":  log("a", hasValue{[]slog.Attr{slog.Any("b", hasString{word})}}),
		"group":            log(slog.Group("g", "b", 1, slog.Group("h", "c", word))),
		"nameless group":   log(slog.Group("", "c", []byte(word))),
		"group's name":     log(slog.Group(word, "c", 1)),
		"ninth attribute":  log("a", 1, "b", 2, "c", 3, "d", 4, "e", 5, "f", 6, "g", 7, "h", 8, "i", word),
		"With":             func(l *slog.Logger) { l.With("a", word).Error("failed") },
		"With, struct":     func(l *slog.Logger) { l.With("a", &hasNothing{Name: word}).Error("failed") },
		"With, LogValuer":  func(l *slog.Logger) { l.With("a", hasValue{word}).Error("failed") },
		"WithGroup":        func(l *slog.Logger) { l.WithGroup(word).Error("failed", "a", 1) },
		"With in a group":  func(l *slog.Logger) { l.WithGroup("g").With("b", 1, "a", word).Error("failed") },
		"after a group":    func(l *slog.Logger) { l.WithGroup("g").Error("failed", "a", word) },
	} {
		for kind, next := range handlers() {
			t.Run(name+"/"+kind, func(t *testing.T) {
				var out bytes.Buffer
				write(slog.New(redact.Handler(next(&out), r)))
				got := out.String()
				if strings.Contains(got, word[5:]) || strings.Contains(got, "QUNNRS0") {
					t.Errorf("wrote %s", got)
				}
				untold := name == "error and more" || name == "struct far below" // their text does not say it
				if out.Len() == 0 || !untold && !strings.Contains(got, "ACME_REDACTED") {
					t.Errorf("wrote %q, want the placeholder in it", got)
				}
			})
		}
	}
}

func handlers() map[string]func(io.Writer) slog.Handler {
	return map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	}
}

// Under the name of a secret nearly everything is one.
func TestHandler_names(t *testing.T) {
	var out bytes.Buffer
	l := slog.New(redact.Handler(slog.NewTextHandler(&out, nil), withWord(t)))
	l.With("api_key", []byte("Xk29fLqa81Zp")).WithGroup("db").Info("open", "password", "Xk29fLqa81Zq", slog.Group("smtp", "password", hasString{"Xk29fLqa81Zr"}))
	if strings.Contains(out.String(), "Xk29") || strings.Count(out.String(), "_REDACTED") != 3 {
		t.Errorf("wrote %s", out.String())
	}
}

// Without a secret the text handler writes what it would have written alone.
func TestHandler_leaves(t *testing.T) {
	write := func(h slog.Handler) {
		l := slog.New(h).With("with", "attr", "n", 3)
		l.Info("a message", "text", "hello", "n", -1, "u", uint64(7), "f", 1.5, "b", true, "d", time.Second,
			"t", time.Unix(0, 0).UTC(), "err", errors.New("no such file"), "nil", nil,
			"list", []int{1, 2}, "struct", hasNothing{Name: "x"}, "stringer", hasString{"x"}, "text", hasText{"x"})
		l.WithGroup("g").Warn("in a group", slog.Group("h", "a", 1), "v", hasValue{slog.GroupValue(slog.Int("i", 1))})
	}
	var want, got bytes.Buffer
	options := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	write(slog.NewTextHandler(&want, options))
	write(redact.Handler(slog.NewTextHandler(&got, options), withWord(t)))
	if got.String() != want.String() {
		t.Errorf("got  %swant %s", got.String(), want.String())
	}
}

// A handler further down can still tell errors apart, as long as they hold
// nothing.
func TestHandler_keepsErrors(t *testing.T) {
	var got []any
	keep := slog.NewTextHandler(io.Discard, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "err" {
			got = append(got, a.Value.Any())
		}
		return a
	}})
	l := slog.New(redact.Handler(keep, withWord(t)))
	l.Info("m", "err", context.Canceled)
	l.Info("m", "err", fmt.Errorf("%s: %w", word, context.Canceled))
	if len(got) != 2 || got[0] != any(context.Canceled) || got[1] != any("ACME_REDACTED: context canceled") {
		t.Errorf("the handler behind it saw %#v", got)
	}
}

// What the log/slog package asks of every handler.
func TestHandler_slogtest(t *testing.T) {
	r, out := withWord(t), bytes.Buffer{}
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		out.Reset()
		return redact.Handler(slog.NewJSONHandler(&out, nil), r)
	}, func(t *testing.T) map[string]any {
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return line
	})
}

func TestHandler_enabled(t *testing.T) {
	h := redact.Handler(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn}), withWord(t))
	if h.Enabled(t.Context(), slog.LevelInfo) || !h.Enabled(t.Context(), slog.LevelWarn) {
		t.Error("the level is not that of the handler behind it")
	}
}

// A record without secrets costs no allocation more than without the handler.
func TestHandler_allocations(t *testing.T) {
	err := errors.New("open bridge.db: no such file or directory")
	cost := func(h slog.Handler) float64 {
		l, least := slog.New(h), math.Inf(1)
		for range 200 { // under the race detector pools lose what they hold now and then
			least = min(least, testing.AllocsPerRun(1, func() {
				l.LogAttrs(t.Context(), slog.LevelWarn, "could not open the store", slog.String("path", "/home/alice/bridge.db"),
					slog.Int("tries", 3), slog.Any("error", err))
			}))
		}
		return least
	}
	next := slog.NewTextHandler(io.Discard, nil)
	if alone, redacted := cost(next), cost(redact.Handler(next, withWord(t))); redacted > alone {
		t.Errorf("%v allocations a record, %v without the handler", redacted, alone)
	}
}

func BenchmarkHandler(b *testing.B) {
	for name, next := range map[string]slog.Handler{"alone": slog.NewTextHandler(io.Discard, nil), "redacted": redact.Handler(slog.NewTextHandler(io.Discard, nil), withWord(b))} {
		b.Run(name, func(b *testing.B) {
			l := slog.New(next)
			err := errors.New("open bridge.db: no such file or directory")
			b.ReportAllocs()
			for b.Loop() {
				l.LogAttrs(b.Context(), slog.LevelWarn, "could not open the store", slog.String("path", "/home/alice/bridge.db"), slog.Int("tries", 3), slog.Any("error", err))
			}
		})
	}
}
