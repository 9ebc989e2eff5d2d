package redact

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
)

// Handler returns a handler that redacts all that passes on to next: the
// message, keys, and attributes of any depth, each under its name. Texts,
// times, booleans, numbers and plain errors stay what they are; any other value
// goes on as the text that was looked at, because a handler might find another
// way to write it. Numbers are not looked at.
func Handler(next slog.Handler, r *Redactor) slog.Handler { return &handler{next, r} }

type handler struct {
	next slog.Handler
	r    *Redactor
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	message, found := h.r.Text(record.Message)
	changed := found != nil
	var few [8]slog.Attr // more than records usually have, and on the stack
	attrs := few[:0]
	record.Attrs(func(a slog.Attr) bool {
		a, again := h.attr(a)
		attrs, changed = append(attrs, a), changed || again
		return true
	})
	if changed {
		clean := slog.NewRecord(record.Time, record.Level, message, record.PC)
		clean.AddAttrs(attrs...)
		record = clean
	}
	return h.next.Handle(ctx, record)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean, _ := h.attrs(attrs)
	return &handler{h.next.WithAttrs(clean), h.r}
}

func (h *handler) WithGroup(name string) slog.Handler {
	name, _ = h.r.Text(name)
	return &handler{h.next.WithGroup(name), h.r}
}

// attrs returns list itself if nothing in it changes.
func (h *handler) attrs(list []slog.Attr) (clean []slog.Attr, changed bool) {
	clean = list
	for i, a := range list {
		b, again := h.attr(a)
		if !again {
			continue
		}
		if !changed {
			clean, changed = append([]slog.Attr(nil), list...), true
		}
		clean[i] = b
	}
	return clean, changed
}

// attr returns what may be written of an attribute, and whether that is
// something else.
func (h *handler) attr(a slog.Attr) (clean slog.Attr, changed bool) {
	if a.Value.Kind() == slog.KindLogValuer {
		a.Value, changed = a.Value.Resolve(), true
	}
	switch a.Value.Kind() {
	case slog.KindString:
		if s, found := h.r.Field(a.Key, a.Value.String()); found != nil {
			a.Value, changed = slog.StringValue(s), true
		}
	case slog.KindGroup:
		if group, again := h.attrs(a.Value.Group()); again {
			a.Value, changed = slog.GroupValue(group...), true
		}
	case slog.KindAny:
		if v, again := h.any(a.Key, a.Value.Any()); again {
			a.Value, changed = v, true
		}
	}
	if key, found := h.r.Text(a.Key); found != nil {
		a.Key, changed = key, true
	}
	return a, changed
}

// any returns the text of a value, or says that it may stay.
func (h *handler) any(key string, v any) (clean slog.Value, changed bool) {
	text, found := h.r.Field(key, textOf(v))
	if found == nil && (v == nil || isPlainError(v)) {
		return clean, false
	}
	return slog.StringValue(text), true
}

// isPlainError tells whether v is an error that any handler writes as its text.
func isPlainError(v any) bool {
	if _, ok := v.(error); !ok {
		return false
	}
	switch v.(type) {
	case fmt.Formatter, encoding.TextMarshaler, json.Marshaler:
		return false
	}
	return true
}

// textOf is the text of a value: its own if it knows one. A value that panics
// has a text that says so, as log/slog has it.
func textOf(v any) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("!PANIC in the text of a %T: %v", v, p)
		}
	}()
	switch v := v.(type) {
	case error:
		return v.Error()
	case encoding.TextMarshaler:
		raw, err := v.MarshalText()
		if err != nil {
			return "!ERROR: " + err.Error()
		}
		return string(raw)
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8 {
		return string(r.Bytes())
	}
	return fmt.Sprintf("%+v", v)
}
