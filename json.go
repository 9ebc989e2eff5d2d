package agentbridge

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deeply JSON from outside may nest before it is refused
// unread. Go's own limit of 10,000 is a stack's, not a message's.
const MaxDepth = 64

// DecodeJSON decodes one JSON value that arrived as the given field, without
// the leniencies of encoding/json that let two readers see two different
// values: broken UTF-8, lone surrogates and duplicate keys are refused, and so
// are numbers beyond the range of a float64 and nesting beyond MaxDepth.
// Numbers come back as json.Number.
func DecodeJSON(field string, raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, Refuse(InvalidUTF8, field, "must be valid UTF-8")
	}
	if hasLoneSurrogate(raw) {
		return nil, Refuse(InvalidUTF8, field, "must not contain a lone surrogate (half of a \\u escape pair)")
	}
	d := jsonDecoder{dec: json.NewDecoder(bytes.NewReader(raw)), field: field}
	d.dec.UseNumber()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := d.dec.Token(); err != io.EOF {
		return nil, Refuse(InvalidJSON, field, "must be a single JSON value")
	}
	return v, nil
}

type jsonDecoder struct {
	dec   *json.Decoder
	field string
}

func (d *jsonDecoder) value(depth int) (any, error) {
	t, err := d.token()
	if err != nil {
		return nil, err
	}
	return d.rest(t, depth)
}

func (d *jsonDecoder) token() (json.Token, error) {
	t, err := d.dec.Token()
	if err != nil {
		return nil, Refuse(InvalidJSON, d.field, "must be valid JSON")
	}
	return t, nil
}

// rest reads what follows the value's first token.
func (d *jsonDecoder) rest(t json.Token, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, Refuse(TooDeep, d.field, "must not nest deeper than %d levels", MaxDepth)
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return d.object(depth)
		}
		return d.array(depth)
	case json.Number:
		if f, err := strconv.ParseFloat(t.String(), 64); err != nil || math.IsInf(f, 0) {
			return nil, Refuse(OutOfRange, d.field, "must not hold a number beyond ±1.8e308")
		}
	}
	return t, nil
}

func (d *jsonDecoder) object(depth int) (any, error) {
	object := map[string]any{}
	for {
		t, err := d.token()
		if err != nil {
			return nil, err
		}
		key, ok := t.(string)
		if !ok {
			return object, nil // the closing brace: the decoder allows nothing else
		}
		if _, twice := object[key]; twice {
			return nil, Refuse(InvalidJSON, d.field, "must not name the key %q twice", Preview(key, 40))
		}
		if object[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
}

func (d *jsonDecoder) array(depth int) (any, error) {
	array := []any{}
	for {
		t, err := d.token()
		if err != nil {
			return nil, err
		}
		if t == json.Delim(']') {
			return array, nil
		}
		v, err := d.rest(t, depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
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

// canonicalJSON writes a decoded value with sorted keys, no spaces and no HTML
// escapes. Values come from DecodeJSON, which holds nothing that can't be
// written.
func canonicalJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("agentbridge: canonicalJSON of a value not from DecodeJSON: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
