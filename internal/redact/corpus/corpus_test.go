package corpus_test

import (
	"reflect"
	"strings"
	"testing"

	"agentbridge/internal/redact/corpus"
)

// A figure can be taken again only if the seed decides everything.
func TestGenerate_repeats(t *testing.T) {
	if !reflect.DeepEqual(corpus.Generate(1), corpus.Generate(1)) {
		t.Error("Generate(1) gave two different sets")
	}
	if reflect.DeepEqual(corpus.Generate(1), corpus.Generate(2)) {
		t.Error("Generate(1) and Generate(2) gave the same set")
	}
}

func TestGenerate_size(t *testing.T) {
	count := map[corpus.Class]int{}
	kinds := map[string]bool{}
	total := 0
	for _, text := range corpus.Generate(1) {
		count[text.Class]++
		if text.Class != corpus.Negative {
			kinds[text.Kind] = true
			total++
		}
	}
	if total < 650 || len(kinds) < 220 || count[corpus.Negative] < 400 {
		t.Errorf("%d texts of %d kinds with secrets, %d without; want at least 650, 220, 400", total, len(kinds), count[corpus.Negative])
	}
	for _, class := range corpus.Classes {
		if count[class] == 0 {
			t.Errorf("no texts of class %q", class)
		}
	}
	t.Logf("%d with secrets of %d kinds; %v", total, len(kinds), count)
}

// A label is right if each secret stands in its text and nothing of it remains
// when exactly the secrets are taken out.
func TestGenerate_labels(t *testing.T) {
	texts := corpus.Generate(1)
	for _, seed := range []uint64{20261121, 314159, 987654321} {
		texts = append(texts, corpus.Generate(seed)...)
	}
	for _, text := range texts {
		if (len(text.Secrets) == 0) != (text.Class == corpus.Negative) {
			t.Errorf("%s: class %q with %d secrets", text.Kind, text.Class, len(text.Secrets))
		}
		rest := text.Text
		for _, secret := range text.Secrets {
			if len(secret) < 6 || !strings.Contains(text.Text, secret) {
				t.Errorf("%s: secret %q is too short or not in %q", text.Kind, secret, text.Text)
			}
			rest = strings.ReplaceAll(rest, secret, "\x00")
		}
		if whole, part := text.Leak(rest); whole || part {
			t.Errorf("%s: a secret remains in what is not secret:\n%s", text.Kind, rest)
		}
	}
}

func TestLeak(t *testing.T) {
	text := corpus.Text{Secrets: []string{"0123456789abcdefghij"}}
	for _, c := range []struct {
		out         string
		whole, part bool
	}{
		{"x REDACTED y", false, false},
		{"x 0123456789abcdefghij y", true, true},
		{"x REDACTEDcdefghij y", false, true},
		{"x REDACTEDdefghij y", false, false},
	} {
		if whole, part := text.Leak(c.out); whole != c.whole || part != c.part {
			t.Errorf("Leak(%q) = %v, %v; want %v, %v", c.out, whole, part, c.whole, c.part)
		}
	}
}
