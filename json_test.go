package agentbridge_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeJSON(t *testing.T) {
	for raw, want := range map[string]any{
		`{"a":[1,2.50,"x",true,null],"b":{}}`: map[string]any{"a": []any{json.Number("1"), json.Number("2.50"), "x", true, nil}, "b": map[string]any{}},
		" \t\r\n[ ] \n":                       []any{},
		`"\ud83e\udd9c"`:                      "🦜",
		`"\uD83E\uDD9C"`:                      "🦜",
		`"\\ud800"`:                           `\ud800`, // an escaped backslash, then text
		`"\\\ud83e\udd9c"`:                    `\🦜`,
		`"\\\\ud800\\"`:                       `\\ud800\`,
		`"\u00e9\n\u2028"`:                    "é\n\u2028",
		`"\ufffd"`:                            "\ufffd",
		"12345678901234567890.5":              json.Number("12345678901234567890.5"),
		"1e308":                               json.Number("1e308"),
		"1e-999":                              json.Number("1e-999"), // nearly nothing, and no harm
		`{"":{"":1}}`:                         map[string]any{"": map[string]any{"": json.Number("1")}},
		`{"a":1,"A":2}`:                       map[string]any{"a": json.Number("1"), "A": json.Number("2")},
		`[{"a":1},{"a":2}]`:                   []any{map[string]any{"a": json.Number("1")}, map[string]any{"a": json.Number("2")}},
	} {
		got, err := agentbridge.DecodeJSON("message", []byte(raw))
		if err != nil {
			t.Errorf("DecodeJSON(%s) = %v", raw, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("DecodeJSON(%s): -want +got\n%s", raw, diff)
		}
	}
}

func TestDecodeJSON_refuses(t *testing.T) {
	for raw, want := range map[string]agentbridge.Code{
		"":                      agentbridge.InvalidJSON,
		" ":                     agentbridge.InvalidJSON,
		"{":                     agentbridge.InvalidJSON,
		"]":                     agentbridge.InvalidJSON,
		"[1,]":                  agentbridge.InvalidJSON,
		"[,1]":                  agentbridge.InvalidJSON,
		"[1 2]":                 agentbridge.InvalidJSON,
		`{"a":1,}`:              agentbridge.InvalidJSON,
		`{"a" 1}`:               agentbridge.InvalidJSON,
		`{"a":1 "b":2}`:         agentbridge.InvalidJSON,
		`{a:1}`:                 agentbridge.InvalidJSON,
		`{1:1}`:                 agentbridge.InvalidJSON,
		`['a']`:                 agentbridge.InvalidJSON,
		"01":                    agentbridge.InvalidJSON,
		"+1":                    agentbridge.InvalidJSON,
		".5":                    agentbridge.InvalidJSON,
		"NaN":                   agentbridge.InvalidJSON,
		"[Infinity]":            agentbridge.InvalidJSON,
		"True":                  agentbridge.InvalidJSON,
		"\"two\nlines\"":        agentbridge.InvalidJSON,
		`"\x41"`:                agentbridge.InvalidJSON,
		`"\u12"`:                agentbridge.InvalidJSON,
		"\ufeff{}":              agentbridge.InvalidJSON,
		"{} // end":             agentbridge.InvalidJSON,
		"{}{}":                  agentbridge.InvalidJSON,
		"1 1":                   agentbridge.InvalidJSON,
		"{} ]":                  agentbridge.InvalidJSON,
		"{}\x00":                agentbridge.InvalidJSON,
		`{"a":1,"a":1}`:         agentbridge.InvalidJSON, // which one would the next reader take?
		`{"a":1,"\u0061":1}`:    agentbridge.InvalidJSON,
		`[{"a":{"b":1,"b":2}}]`: agentbridge.InvalidJSON,

		"\"\xff\"":             agentbridge.InvalidUTF8,
		"{\"\xc3\":1}":         agentbridge.InvalidUTF8,
		"\"\xed\xa0\x80\"":     agentbridge.InvalidUTF8, // a surrogate written as UTF-8
		"\"\xc0\xaf\"":         agentbridge.InvalidUTF8, // an overlong slash
		`"\ud800"`:             agentbridge.InvalidUTF8,
		`"\udc00"`:             agentbridge.InvalidUTF8,
		`"\uDFFF"`:             agentbridge.InvalidUTF8,
		`"\udd9c\ud83e"`:       agentbridge.InvalidUTF8, // swapped
		`"\ud83e\ud83e\udd9c"`: agentbridge.InvalidUTF8,
		`"\ud83e\udd9c\udd9c"`: agentbridge.InvalidUTF8,
		`"\ud83e \udd9c"`:      agentbridge.InvalidUTF8,
		`"\ud83e\n"`:           agentbridge.InvalidUTF8,
		`"\ud83e\\udd9c"`:      agentbridge.InvalidUTF8,
		`"\\\ud800"`:           agentbridge.InvalidUTF8,
		`{"\ud800":1}`:         agentbridge.InvalidUTF8,

		"1e309":                                  agentbridge.OutOfRange,
		"[-1e999]":                               agentbridge.OutOfRange,
		strings.Repeat("9", 5000):                agentbridge.OutOfRange,
		`{"a":` + strings.Repeat("9", 310) + `}`: agentbridge.OutOfRange,
	} {
		v, err := agentbridge.DecodeJSON("message", []byte(raw))
		if agentbridge.CodeOf(err) != want || v != nil {
			t.Errorf("DecodeJSON(%s) = %v, %v (%q); want %q", agentbridge.Preview(raw, 40), v, err, agentbridge.CodeOf(err), want)
		}
	}
}

func TestDecodeJSON_depth(t *testing.T) {
	arrays := func(levels int) string { return strings.Repeat("[", levels+1) + strings.Repeat("]", levels+1) }
	objects := func(levels int) string { return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels) }
	for raw, want := range map[string]agentbridge.Code{
		arrays(64):                    "",
		objects(64):                   "",
		arrays(65):                    agentbridge.TooDeep,
		objects(65):                   agentbridge.TooDeep,
		strings.Repeat("[", 1<<20):    agentbridge.TooDeep, // which is what to mend first
		arrays(20_000):                agentbridge.TooDeep, // more than encoding/json reads
		`"` + strings.Repeat("[", 99): agentbridge.InvalidJSON,
	} {
		_, err := agentbridge.DecodeJSON("message", []byte(raw))
		wantRefused(t, "DecodeJSON("+agentbridge.Preview(raw, 10)+")", err, want)
	}
}

// smallContents are seeds; the fuzzer is lost in large ones.
func smallContents() (small []string) {
	for _, c := range contents {
		if len(c.content) < 200 {
			small = append(small, c.content)
		}
	}
	return small
}

// FuzzDecodeJSON holds our decoder to encoding/json: it accepts nothing that is
// not JSON, sees the same value, and refuses JSON for its own four reasons only.
func FuzzDecodeJSON(f *testing.F) {
	for _, s := range smallContents() {
		f.Add([]byte(s))
	}
	for _, raw := range []string{`"\\ud800"`, `"\ud83e\udd9c"`, `{"a":1,"a":2}`, "[1,]", "01", "{}{}", "\"\xff\"", "-0.0e-0", `{"<":"\u2028"}`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := agentbridge.DecodeJSON("message", raw)
		if err != nil {
			switch code := agentbridge.CodeOf(err); {
			case code == agentbridge.TooDeep, code == agentbridge.OutOfRange, code == agentbridge.InvalidUTF8:
			case code == agentbridge.InvalidJSON && (!json.Valid(raw) || strings.Contains(err.Error(), "twice")):
			default:
				t.Errorf("DecodeJSON(%q) = %v, which encoding/json accepts", raw, err)
			}
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("DecodeJSON(%q) = %v, which is not JSON", raw, v)
		}
		if diff := cmp.Diff(standard(t, raw), v); diff != "" {
			t.Errorf("DecodeJSON(%q): -encoding/json +ours\n%s", raw, diff)
		}
		first, err := agentbridge.ParseMetadata("metadata", map[string]any{"v": v})
		if err != nil {
			return // larger than metadata may be
		}
		again, err := agentbridge.DecodeJSON("metadata", first)
		if err != nil {
			t.Fatalf("DecodeJSON(its canonical form %s) = %v", first, err)
		}
		second, err := agentbridge.ParseMetadata("metadata", again.(map[string]any))
		if err != nil || string(second) != string(first) {
			t.Errorf("canonical form of a canonical form: %s, %v; want %s", second, err, first)
		}
	})
}

// standard is what encoding/json reads.
func standard(t *testing.T, raw []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("encoding/json: %v", err)
	}
	return v
}

// FuzzParseEnvelope holds the ways an envelope is read together: as an argument, as
// text, and from the store.
func FuzzParseEnvelope(f *testing.F) {
	for _, s := range smallContents() {
		f.Add(s)
	}
	for field, value := range map[string]string{
		"created_at": `"2026-07-28T12:00:00Z"`, "artifacts": `[{"uri":"x","sha256":"` + strings.Repeat("AB", 32) + `"}]`,
		"metadata": `{"a":{"b":[1.50]}}`, "dedupe_key": `"k"`, "type": "null", "content": `"\u2028<>&"`,
	} {
		f.Add(envelope(field, value))
	}
	f.Fuzz(func(t *testing.T, raw string) {
		text, err := agentbridge.Text(raw)
		if err != nil {
			return
		}
		wantAtRest(t, text)
		m := agentbridge.Message{Content: raw, Encoding: text.Encoding()}
		canonical, warning := m.Envelope()
		if len(warning) > 4*202 {
			t.Errorf("Envelope() of %q = a warning of %d bytes", raw, len(warning))
		}
		v, err := agentbridge.DecodeJSON("message", []byte(raw))
		object, isObject := v.(map[string]any)
		if err != nil || !isObject {
			if canonical != nil {
				t.Errorf("Envelope() of %q = %s, which DecodeJSON refuses: %v", raw, canonical, err)
			}
			return
		}
		body, err := agentbridge.ParseEnvelope(object)
		switch {
		case agentbridge.CodeOf(err) == agentbridge.TooLarge:
		case (err == nil) != (text.Encoding() == agentbridge.Structured):
			t.Errorf("Text(%q).Encoding() = %s, ParseEnvelope = %v", raw, text.Encoding(), err)
		case err == nil:
			wantCanonical(t, body, string(canonical))
			wantCleaned(t, object)
		}
	})
}

// wantAtRest checks that a body that has been cleaned is clean.
func wantAtRest(t *testing.T, body agentbridge.Body) {
	t.Helper()
	clean, removed, err := body.Clean()
	if err != nil {
		return
	}
	if again, n, err := clean.Clean(); again != clean || n != 0 || err != nil || removed == 0 && clean != body {
		t.Errorf("Clean of %+q = %+q, %d, and of that %+q, %d, %v", body.Content(), clean.Content(), removed, again.Content(), n, err)
	}
}

// wantCleaned checks what becomes of an envelope that is cleaned: the same if
// there was nothing to clean, else one that is clean, or a refusal by name
// because nothing was left of an identifier.
func wantCleaned(t *testing.T, object map[string]any) {
	t.Helper()
	v, removed := agentbridge.CleanJSON(object)
	body, err := agentbridge.ParseEnvelope(v.(map[string]any))
	if err != nil && (removed == 0 || agentbridge.CodeOf(err) == agentbridge.Internal) {
		t.Errorf("ParseEnvelope(%v), less %d characters = %v", v, removed, err)
	}
	if again, n := agentbridge.CleanJSON(v); n != 0 || !reflect.DeepEqual(again, v) {
		t.Errorf("CleanJSON(%v) = %v, %d: not at rest", v, again, n)
	}
	if decoded, err := agentbridge.DecodeJSON("content", []byte(body.Content())); err == nil {
		if _, n := agentbridge.CleanJSON(decoded); n != 0 {
			t.Errorf("the cleaned envelope %s holds %d characters to take out", body.Content(), n)
		}
	}
}

func wantCanonical(t *testing.T, body agentbridge.Body, want string) {
	t.Helper()
	if body.Content() != want {
		t.Errorf("ParseEnvelope = %s, Envelope() = %s", body.Content(), want)
	}
	again, err := parse(body.Content())
	if err != nil || again.Content() != body.Content() {
		t.Errorf("ParseEnvelope(%s) = %s, %v; want it unchanged", body.Content(), again.Content(), err)
	}
	m := agentbridge.Message{Content: body.Content(), Encoding: body.Encoding(), Channel: "c", Sender: "s"}
	wantWireSize(t, m)
}

func BenchmarkDecodeJSON(b *testing.B) {
	for name, content := range map[string]string{
		"text":    strings.Repeat("the quick brown fox jumps over the lazy dog, ", 22),
		"escapes": strings.Repeat("\"quoted\"\n\t", 90),
	} {
		raw, err := json.Marshal(map[string]string{"channel": "bench", "sender": "bench", "content": content})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := agentbridge.DecodeJSON("body", raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
