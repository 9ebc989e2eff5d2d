package corpus

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
)

// encodedFiles are Kubernetes Secrets, whose values are base64.
func (g *gen) encodedFiles() []Text {
	var texts []Text
	for i := range 6 {
		value := base64.StdEncoding.EncodeToString([]byte(g.text("«pw»«b62:4»")))
		name := g.pick([]string{"password", "api-key", "token", "db_password"})
		text := fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\ntype: Opaque\ndata:\n  username: %s\n  %s: %s\n",
			g.text("«svc»"), base64.StdEncoding.EncodeToString([]byte("admin")), name, value)
		if i%2 == 1 {
			text = fmt.Sprintf(`{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "%s"}, "data": {"%s": "%s"}}`, g.text("«svc»"), name, value)
		}
		texts = append(texts, Text{"k8s-secret", File, text, []string{value}})
	}
	text, secrets := g.expand("kind: Secret\nmetadata:\n  name: app\nstringData:\n  config: plain\n  admin-password: «!pwsh»\n")
	return append(texts, Text{"k8s-stringdata", File, text, secrets})
}

// evasions writes a vendor token so that a plain search does not find it.
func (g *gen) evasions() []Text {
	var texts []Text
	for _, e := range disguises {
		for range 2 {
			token := g.text(g.pick(disguised))
			text, secrets := e.write(g, token)
			texts = append(texts, Text{e.name, Evasion, text, secrets})
		}
	}
	return append(texts, g.all(Evasion, evasionKinds)...)
}

// disguised are formats that every engine knows in the clear.
var disguised = []string{"ghp_«b62:36»", "AKIA«b32:16»", "sk-ant-api03-«b64u:93»AA", "xoxb-«dig:12»-«dig:12»-«b62:24»", "glpat-«b62:20»", "sk_live_«b62:24»"}

var disguises = []struct {
	name  string
	write func(g *gen, token string) (string, []string)
}{
	{"zero-width space", func(g *gen, t string) (string, []string) { return g.around(insert(t, 7, "\u200b")) }},
	{"soft hyphen", func(g *gen, t string) (string, []string) { return g.around(insert(t, 3, "\u00ad")) }},
	{"word joiner every five", func(g *gen, t string) (string, []string) {
		var b strings.Builder
		for i, r := range t {
			if i > 0 && i%5 == 0 {
				b.WriteRune('\u2060')
			}
			b.WriteRune(r)
		}
		return g.around(b.String())
	}},
	{"full width", func(g *gen, t string) (string, []string) { return g.around(fullWidth(t, len(t))) }},
	{"full-width prefix", func(g *gen, t string) (string, []string) { return g.around(fullWidth(t, 4)) }},
	{"base64", func(g *gen, t string) (string, []string) {
		return g.around(base64.StdEncoding.EncodeToString([]byte("token=" + t)))
	}},
	{"base64url", func(g *gen, t string) (string, []string) {
		return g.around(base64.RawURLEncoding.EncodeToString([]byte(t)))
	}},
	{"hex", func(g *gen, t string) (string, []string) { return g.around(hex.EncodeToString([]byte(t))) }},
	{"percent", func(g *gen, t string) (string, []string) { return g.around(percent(t)) }},
	{"percent in form", func(g *gen, t string) (string, []string) { return g.around(url.QueryEscape("token=" + t + "&user=a")) }},
	{"split with plus", func(g *gen, t string) (string, []string) { return split(t, `const key = "%s" + "%s"`) }},
	{"split python", func(g *gen, t string) (string, []string) { return split(t, "key = ('%s'\n       '%s')") }},
	{"split in lines", func(g *gen, t string) (string, []string) { return split(t, "key := \"%s\" +\n\t\"%s\"") }},
	{"backslash newline", func(g *gen, t string) (string, []string) {
		return split(t, "curl -H \"X-Key: %s\\\n%s\" https://x.dev/")
	}},
	{"unicode escapes", func(g *gen, t string) (string, []string) {
		s := fmt.Sprintf(`\u%04x`, t[0]) + t[1:]
		return `{"v": "` + s + `", "n": 1}`, []string{s[6:]}
	}},
	{"html entities", func(g *gen, t string) (string, []string) {
		return g.around(strings.Replace(t, t[2:3], fmt.Sprintf("&#%d;", t[2]), 1))
	}},
	{"bold in the middle", func(g *gen, t string) (string, []string) { return g.around(insert(t, 10, "**")) }},
}

func (g *gen) around(written string) (string, []string) {
	return fmt.Sprintf(g.pick([]string{"Here it is: %s", "value: %s\nnext: 1", "use `%s` please", "set it to \"%s\" and restart"}), written), []string{written}
}

func insert(s string, at int, what string) string { return s[:at] + what + s[at:] }

// fullWidth replaces the letters and digits among the first n characters.
func fullWidth(s string, n int) string {
	return strings.Map(func(r rune) rune {
		if n--; n >= 0 && r > ' ' && r < 0x7f {
			return r + 0xfee0
		}
		return r
	}, s)
}

func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// split writes the halves of a token into two places of a text.
func split(token, format string) (string, []string) {
	a, b := token[:len(token)/2], token[len(token)/2:]
	return fmt.Sprintf(format, a, b), []string{a, b}
}

// evasionKinds are disguises of the name, not of the value.
var evasionKinds = []kind{
	{"header case", []string{"aUtHoRiZaTiOn: bEaReR «!b62:40»", "AUTHORIZATION: BASIC «!creds»", "x-ApI-kEy: «!b62:40»", "COOKIE: SESSIONID=«!b62:32»"}},
	{"name case", []string{"PaSsWoRd=«!pwsh»", "aPi_KeY: «!b62:32»"}},
	{"spaces around", []string{"password   :    «!pwsh»", "password\t=\t«!pwsh»", "Authorization:\tBearer\t«!b62:40»"}},
	{"zero-width in name", []string{"pass\u200bword: «!pwsh»", "api\u200d_key=«!b62:32»"}},
	{"full-width name", []string{"ｐａｓｓｗｏｒｄ＝«!pwsh»", "password：«!pwsh»"}},
	{"invisible before value", []string{"token: \u200b«!b62:40»", "password=\ufeff«!pwsh»"}},
}
