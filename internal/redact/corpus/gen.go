package corpus

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"
)

// gen makes random parts and fills templates with them.
//
// In a template «name» or «name:12» or «name:12-20» is a random part of that
// name and length, «!name» one that is a secret, and ‹…› makes everything
// between a secret. «tok» and other variables are looked up in vars first.
type gen struct {
	r    *rand.Rand
	vars map[string]string
}

func newGen(seed uint64) *gen {
	return &gen{r: rand.New(rand.NewPCG(seed, 0x5eed)), vars: map[string]string{}}
}

func (g *gen) pick(from []string) string { return from[g.r.IntN(len(from))] }

// expand fills a template and returns the secrets in it.
func (g *gen) expand(template string) (string, []string) {
	var out strings.Builder
	var secrets []string
	open := -1
	for rest := template; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		switch r {
		case '‹':
			open = out.Len()
		case '›':
			secrets = append(secrets, out.String()[open:])
		case '«':
			end := strings.Index(rest, "»")
			name, secret := strings.CutPrefix(rest[size:end], "!")
			part := g.part(name)
			if secret {
				secrets = append(secrets, part)
			}
			out.WriteString(part)
			size = end + len("»")
		default:
			out.WriteString(rest[:size])
		}
		rest = rest[size:]
	}
	return out.String(), secrets
}

// text is expand for templates without secrets of their own.
func (g *gen) text(template string) string {
	s, _ := g.expand(template)
	return s
}

// part makes one random part. An unknown name is a mistake in a template.
func (g *gen) part(spec string) string {
	name, size, _ := strings.Cut(spec, ":")
	if s, ok := g.vars[name]; ok {
		return s
	}
	if set, ok := charsets[name]; ok {
		return g.chars(set, g.length(size))
	}
	if list, ok := words[name]; ok {
		return g.pick(list)
	}
	if s := g.special(name); s != "" {
		return s
	}
	panic(fmt.Sprintf("corpus: no part %q", name))
}

// length reads "12" or "12-20".
func (g *gen) length(size string) int {
	low, high, ranged := strings.Cut(size, "-")
	n, err := strconv.Atoi(low)
	if err != nil {
		panic("corpus: bad length " + size)
	}
	if m, err := strconv.Atoi(high); ranged && err == nil {
		n += g.r.IntN(m - n + 1)
	}
	return n
}

// chars draws n characters. From eight on, sets that have digits give at least
// one: a random key without any is too rare to be worth measuring.
func (g *gen) chars(set string, n int) string {
	for {
		b := make([]byte, n)
		for i := range b {
			b[i] = set[g.r.IntN(len(set))]
		}
		if n < 8 || strings.ContainsAny(string(b), digits) || !strings.ContainsAny(set, digits) {
			return string(b)
		}
	}
}

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

var charsets = map[string]string{
	"dig": digits, "az": lower, "AZ": upper, "alpha": lower + upper,
	"hex": digits + "abcdef", "HEX": digits + "ABCDEF",
	"low": digits + lower, "up": digits + upper,
	"b62": digits + upper + lower, "b64": digits + upper + lower + "+/", "b64u": digits + upper + lower + "-_",
	"b32": upper + "234567", "b32l": lower + "234567",
	"b58":  "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
	"bech": "qpzry9x8gf2tvdw0s3jn54khce6mua7l", "BECH": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
