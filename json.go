package agentbridge

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deeply JSON from outside may nest before it is refused
// unread. Go's own limit of 10,000 is a stack's, not a message's.
const MaxDepth = 64

// MaxKeys is how many keys all objects of one JSON value from outside may have
// together. An object costs many times the memory of its text.
const MaxKeys = 1000

// DecodeJSON decodes one JSON value that arrived as the given field, without
// the leniencies of encoding/json that let two readers see two different
// values: broken UTF-8, lone surrogates and duplicate keys are refused, and so
// are numbers beyond the range of a float64, nesting beyond MaxDepth and more
// than MaxKeys keys. Numbers come back as json.Number.
func DecodeJSON(field string, raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, Refuse(InvalidUTF8, field, "must be valid UTF-8")
	}
	if hasLoneSurrogate(raw) {
		return nil, Refuse(InvalidUTF8, field, "must not contain a lone surrogate (half of a \\u escape pair)")
	}
	d := jsonDecoder{raw: raw, field: field}
	if !json.Valid(raw) {
		if d.nests() {
			return nil, d.tooDeep()
		}
		return nil, Refuse(InvalidJSON, field, "must be a single, valid JSON value")
	}
	return d.value(0)
}

// jsonDecoder walks over JSON that is known to be valid, so that a character
// tells what follows and nothing can end early.
type jsonDecoder struct {
	raw   []byte
	at    int // the next character
	keys  int // how many there were
	field string
}

// nests tells whether too deep nesting may be why the JSON is not valid:
// encoding/json gives up at 10,000 levels.
func (d *jsonDecoder) nests() bool {
	level := 0
	for i := 0; i < len(d.raw); i++ {
		switch d.raw[i] {
		case '[', '{':
			if level++; level > MaxDepth+1 {
				return true
			}
		case ']', '}':
			level--
		case '"':
			for i++; i < len(d.raw) && d.raw[i] != '"'; i++ {
				if d.raw[i] == '\\' {
					i++
				}
			}
		}
	}
	return false
}

func (d *jsonDecoder) tooDeep() error {
	return Refuse(TooDeep, d.field, "must not nest deeper than %d levels", MaxDepth)
}

// next skips what means nothing and returns the character behind it.
func (d *jsonDecoder) next() byte {
	for {
		switch c := d.raw[d.at]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			d.at++
		default:
			return c
		}
	}
}

func (d *jsonDecoder) value(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, d.tooDeep()
	}
	switch c := d.next(); c {
	case '{':
		d.at++
		return d.object(depth)
	case '[':
		d.at++
		return d.array(depth)
	case '"':
		return d.text()
	case 't', 'n':
		d.at += len("true")
		if c == 'n' {
			return nil, nil
		}
		return true, nil
	case 'f':
		d.at += len("false")
		return false, nil
	}
	return d.number()
}

func (d *jsonDecoder) object(depth int) (any, error) {
	object := map[string]any{}
	for d.next() != '}' {
		key, err := d.text()
		if err != nil {
			return nil, err
		}
		if _, twice := object[key]; twice {
			return nil, Refuse(InvalidJSON, d.field, "must not name the key %q twice", Preview(key, 40))
		}
		if d.keys++; d.keys > MaxKeys {
			return nil, Refuse(TooMany, d.field, "must not have more than %d keys in all its objects; send it as text, or in parts", MaxKeys)
		}
		if object[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	d.at++
	return object, nil
}

func (d *jsonDecoder) array(depth int) (any, error) {
	array := []any{}
	for d.next() != ']' {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	d.at++
	return array, nil
}

// text reads a string. Only one with escapes needs more than a copy.
func (d *jsonDecoder) text() (s string, err error) {
	start, escaped := d.at, false
	for d.at++; d.raw[d.at] != '"'; d.at++ {
		if d.raw[d.at] == '\\' {
			escaped = true
			d.at++
		}
	}
	d.at++
	if !escaped {
		return string(d.raw[start+1 : d.at-1]), nil
	}
	err = json.Unmarshal(d.raw[start:d.at], &s)
	return s, err
}

func (d *jsonDecoder) number() (any, error) {
	start := d.at
	for d.at < len(d.raw) && bytes.IndexByte([]byte("+-.0123456789eE"), d.raw[d.at]) >= 0 {
		d.at++
	}
	n := json.Number(d.raw[start:d.at])
	if f, err := n.Float64(); err != nil || math.IsInf(f, 0) {
		return nil, Refuse(OutOfRange, d.field, "must not hold a number beyond ±1.8e308")
	}
	return n, nil
}

// hasLoneSurrogate finds \ud800..\udfff escapes without their other half,
// which encoding/json silently replaces.
func hasLoneSurrogate(raw []byte) bool {
	for i := bytes.IndexByte(raw, '\\'); i >= 0 && i+1 < len(raw); {
		high := escape(raw[i:])
		step := 2
		switch {
		case high >= 0xdc00 && high < 0xe000:
			return true
		case high >= 0xd800 && high < 0xdc00:
			low := -1
			if i+6 <= len(raw) {
				low = escape(raw[i+6:])
			}
			if low < 0xdc00 || low >= 0xe000 {
				return true
			}
			step = 12
		}
		next := bytes.IndexByte(raw[i+step:], '\\')
		if next < 0 {
			return false
		}
		i += step + next
	}
	return false
}

// escape returns the code unit of a \uXXXX escape at the beginning of b, or -1.
func escape(b []byte) int {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(n)
}

// CanonicalJSON writes a decoded value with sorted keys, no spaces and no HTML
// escapes. Values come from DecodeJSON, which holds nothing that can't be
// written.
func CanonicalJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("agentbridge: CanonicalJSON of a value not from DecodeJSON: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
