package redact

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A table is one header of a TOML file and what stands below it. The decoder of
// the library forgets where it found things, so this walks its syntax tree:
// an operator is to be told the line.
type table struct {
	name   string // with its brackets: "[[pattern]]"; "" before the first header
	line   int
	fields map[string]setting // by key, in lower case: gitleaks' keys come in any
}

// A setting is what a key was set to.
type setting struct {
	line int
	v    any // string, int64, float64, bool or []setting; nil if it is anything else
}

// readTables returns the tables in their order.
func readTables(raw []byte) ([]table, error) {
	if !utf8.Valid(raw) {
		return nil, faultf(1+bytes.Count(raw[:firstInvalid(raw)], []byte("\n")), "is not valid UTF-8; save the file as UTF-8")
	}
	if line := tooDeep(raw); line > 0 {
		return nil, faultf(line, "nests deeper than %d levels, which no pattern needs", maxNesting)
	}
	w := tableWalk{tables: []table{{line: 1, fields: map[string]setting{}}}}
	w.parser.Reset(raw)
	for w.parser.NextExpression() {
		if err := w.expression(w.parser.Expression()); err != nil {
			return nil, err
		}
	}
	if err := w.parser.Error(); err != nil {
		return nil, w.syntaxFault(raw, err)
	}
	return w.tables, nil
}

func firstInvalid(raw []byte) int {
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(raw)
}

type tableWalk struct {
	parser unstable.Parser
	tables []table

	offset, line int // line feeds counted up to offset, so that counting is linear
}

// syntaxFault says where the file is no TOML.
func (w *tableWalk) syntaxFault(raw []byte, err error) error {
	line := 1 + bytes.Count(raw, []byte("\n"))
	if e, ok := errors.AsType[*unstable.ParserError](err); ok && len(e.Highlight) > 0 {
		line = w.lineAt(w.parser.Range(e.Highlight))
	}
	return faultf(line, "is not valid TOML: %s", err)
}

// lineAt is the line of something that was read, counted from 1.
func (w *tableWalk) lineAt(at unstable.Range) int {
	offset := int(at.Offset)
	if offset < w.offset {
		w.offset, w.line = 0, 0
	}
	w.line += bytes.Count(w.parser.Data()[w.offset:offset], []byte("\n"))
	w.offset = offset
	return w.line + 1
}

func (w *tableWalk) expression(n *unstable.Node) error {
	key, line := w.key(n)
	switch n.Kind {
	case unstable.KeyValue:
		return w.keyValue(key, line, n.Value())
	case unstable.ArrayTable:
		key = "[[" + key + "]]"
	default:
		key = "[" + key + "]"
		if slices.ContainsFunc(w.tables, func(t table) bool { return t.name == key && key != "[rules.allowlist]" }) {
			return faultf(line, "table %s stands here twice", key)
		}
	}
	w.tables = append(w.tables, table{key, line, map[string]setting{}})
	return nil
}

// key returns the name of a table or a field, joined with dots, and its line.
func (w *tableWalk) key(n *unstable.Node) (string, int) {
	var parts []string
	line := 0
	for it := n.Key(); it.Next(); {
		if line == 0 {
			line = w.lineAt(it.Node().Raw)
		}
		parts = append(parts, strings.ToLower(string(it.Node().Data)))
	}
	return strings.Join(parts, "."), line
}

func (w *tableWalk) keyValue(key string, line int, n *unstable.Node) error {
	t := &w.tables[len(w.tables)-1]
	if before, twice := t.fields[key]; twice {
		return faultf(line, "%s was set in line %d already", key, before.line)
	}
	t.fields[key] = w.setting(line, n, true)
	return nil
}

// setting reads what a key is set to, and what is in it if it may be a list:
// nothing here is a list of lists.
func (w *tableWalk) setting(line int, n *unstable.Node, list bool) setting {
	switch n.Kind {
	case unstable.String:
		return setting{w.lineAt(n.Raw), string(n.Data)}
	case unstable.Bool:
		return setting{line, string(n.Data) == "true"}
	case unstable.Integer:
		if i, err := strconv.ParseInt(string(n.Data), 0, 64); err == nil {
			return setting{line, i}
		}
	case unstable.Float:
		if f, err := strconv.ParseFloat(strings.ReplaceAll(string(n.Data), "_", ""), 64); err == nil {
			return setting{line, f}
		}
	case unstable.Array:
		if list {
			items := []setting{}
			for it := n.Children(); it.Next(); {
				items = append(items, w.setting(line, it.Node(), false))
			}
			return setting{line, items}
		}
	}
	return setting{line, nil}
}

// only refuses every key but those given, the first one first.
func (t table) only(keys ...string) error {
	unknown, line := "", 0
	for key, v := range t.fields {
		if !slices.Contains(keys, key) && (unknown == "" || v.line < line || v.line == line && key < unknown) {
			unknown, line = key, v.line
		}
	}
	if unknown == "" {
		return nil
	}
	where := t.name
	if where == "" {
		where = "the file before its first table"
	}
	return faultf(line, "there is no key %s in %s; the keys are %s", unknown, where, strings.Join(keys, ", "))
}

// refuse says why keys that others know can't be honoured here.
func (t table) refuse(why map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(why)) {
		if v, set := t.fields[key]; set && v.v != false {
			return faultf(v.line, "%s in %s can't be honoured: %s", key, t.name, why[key])
		}
	}
	return nil
}

// text returns a string, "" if the key is not set.
func (t table) text(key string) (string, error) {
	v, set := t.fields[key]
	s, ok := v.v.(string)
	if set && !ok {
		return "", faultf(v.line, "%s must be a string, in quotes", key)
	}
	return s, nil
}

// texts returns a list of strings with their lines.
func (t table) texts(key string) ([]setting, error) {
	v, set := t.fields[key]
	list, ok := v.v.([]setting)
	if set && !ok {
		return nil, faultf(v.line, "%s must be a list of strings: %s = [\"…\", \"…\"]", key, key)
	}
	for _, item := range list {
		if _, ok := item.v.(string); !ok {
			return nil, faultf(item.line, "%s must hold strings only, in quotes", key)
		}
	}
	return list, nil
}

// integer returns a number, 0 if the key is not set.
func (t table) integer(key string) (int64, error) {
	v, set := t.fields[key]
	n, ok := v.v.(int64)
	if set && !ok {
		return 0, faultf(v.line, "%s must be an integer", key)
	}
	return n, nil
}

// number returns a number with or without a fraction, 0 if the key is not set.
func (t table) number(key string) (float64, error) {
	v, set := t.fields[key]
	switch n := v.v.(type) {
	case float64:
		return n, nil
	case int64:
		return float64(n), nil
	}
	if set {
		return 0, faultf(v.line, "%s must be a number", key)
	}
	return 0, nil
}

// lineOf is where a key is set, or where the table begins.
func (t table) lineOf(key string) int {
	if v, set := t.fields[key]; set {
		return v.line
	}
	return t.line
}
