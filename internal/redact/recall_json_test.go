package redact_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"agentbridge/internal/redact/corpus"
)

// A message arrives as decoded JSON. Secrets in any of its strings go, all
// else stays: names, numbers, the strings beside them, and the value given in.
func TestRecall_json(t *testing.T) {
	r := newRedactor(t)
	total := newResult()
	fields, touched := 0, 0
	for _, text := range corpus.Generate(recallSeeds[0]) {
		in := decoded(text)
		before := encode(t, in)
		out, _ := r.JSON(in)
		encode(t, out)
		if after := encode(t, in); after != before {
			t.Errorf("%s: JSON changed its argument", text.Kind)
		}
		text.Secrets = unescaped(text.Secrets)
		text.Text = strings.Join(leaves(in), "\n")
		total.add(text, strings.Join(leaves(out), "\n"))
		n, changed := compare(t, text, in, out)
		fields, touched = fields+n, touched+changed
	}
	total.check(t)
	if float64(touched) > falsePositives*float64(fields) {
		t.Errorf("%d of %d strings without a secret were touched", touched, fields)
	}
	t.Log(total.table())
	if t.Failed() {
		t.Log(total.mistakes())
	}
}

// A secret in serialised JSON goes without breaking the document.
func TestRecall_jsonTextStaysJSON(t *testing.T) {
	r := newRedactor(t)
	for _, seed := range recallSeeds {
		for _, text := range corpus.Generate(seed) {
			if !json.Valid([]byte(text.Text)) {
				continue
			}
			out, _ := r.Text(text.Text)
			if !json.Valid([]byte(out)) {
				t.Errorf("%s: no longer JSON\nin:  %s\nout: %s", text.Kind, text.Text, out)
			}
			if _, part := text.Leak(out); part && text.Class == corpus.Own {
				t.Errorf("%s: leaks: %s", text.Kind, out)
			}
		}
	}
}

// decoded is the text as a JSON value: itself if it is a document, else the
// body of a message with other fields.
func decoded(text corpus.Text) any {
	d := json.NewDecoder(strings.NewReader(text.Text))
	d.UseNumber()
	var v any
	if json.Valid([]byte(text.Text)) && d.Decode(&v) == nil {
		return v
	}
	return map[string]any{
		"content":  text.Text,
		"subject":  "status of the build",
		"metadata": map[string]any{"author": "alice", "attempt": json.Number("7"), "urgent": true, "parent": nil, "tags": []any{"ci", "docs"}},
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("marshal what JSON returned: %v", err)
	}
	return string(b)
}

// unescaped are the secrets as they are once the document is decoded.
func unescaped(secrets []string) []string {
	list := make([]string, len(secrets))
	for i, s := range secrets {
		if json.Unmarshal([]byte(`"`+s+`"`), &list[i]) != nil {
			list[i] = s
		}
	}
	return list
}

// leaves are all strings of a value, names included, in a fixed order.
func leaves(v any) []string {
	var list []string
	switch v := v.(type) {
	case string:
		list = append(list, v)
	case []any:
		for _, e := range v {
			list = append(list, leaves(e)...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			list = append(append(list, name), leaves(v[name])...)
		}
	}
	return list
}

// compare walks two values side by side. It returns how many strings hold no
// secret and how many of those differ; anything else that differs is an error.
func compare(t *testing.T, text corpus.Text, in, out any) (fields, touched int) {
	t.Helper()
	switch in := in.(type) {
	case string:
		if _, part := text.Leak(in); part {
			return 0, 0
		}
		if out != any(in) {
			return 1, 1
		}
		return 1, 0
	case []any:
		list, ok := out.([]any)
		if !ok || len(list) != len(in) {
			t.Errorf("%s: list became %v", text.Kind, out)
			return 0, 0
		}
		for i := range in {
			n, changed := compare(t, text, in[i], list[i])
			fields, touched = fields+n, touched+changed
		}
		return fields, touched
	case map[string]any:
		return compareObjects(t, text, in, out)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("%s: %v became %v", text.Kind, in, out)
	}
	return 0, 0
}

func compareObjects(t *testing.T, text corpus.Text, in map[string]any, out any) (fields, touched int) {
	t.Helper()
	object, ok := out.(map[string]any)
	if !ok || len(object) != len(in) {
		t.Errorf("%s: object %v became %v", text.Kind, in, out)
		return 0, 0
	}
	for name, value := range in {
		got, ok := object[name]
		if !ok {
			t.Errorf("%s: the name %q is gone: %v", text.Kind, name, object)
			continue
		}
		n, changed := compare(t, text, value, got)
		fields, touched = fields+n, touched+changed
	}
	return fields, touched
}
