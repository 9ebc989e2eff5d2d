package corpus

import (
	"encoding/json"
	"strings"
)

// pem makes private key files: each label whole, truncated, escaped, indented
// and quoted. Bodies are random, so they parse as nothing.
func (g *gen) pem() []Text {
	var texts []Text
	for i, label := range pemLabels {
		for j := range 3 {
			form := pemForms[(i*3+j)%len(pemForms)]
			lines := g.keyFile(label)
			texts = append(texts, Text{"pem " + label + ", " + form.name, PEM, form.write(lines), bodyLines(lines)})
		}
	}
	return append(texts, g.all(PEM, keyFileKinds)...)
}

var pemLabels = []string{
	"RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
	"PGP PRIVATE KEY BLOCK", "SSH2 ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY (encrypted)",
}

// keyFile returns the lines of a key file, BEGIN and END among them.
func (g *gen) keyFile(label string) []string {
	label, encrypted := strings.CutSuffix(label, " (encrypted)")
	lines := []string{"-----BEGIN " + label + "-----"}
	if encrypted {
		lines = append(lines, "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,"+g.text("«HEX:32»"), "")
	}
	if strings.HasPrefix(label, "PGP") {
		lines = append(lines, "Version: GnuPG v2", "")
	}
	for range 3 + g.r.IntN(12) {
		lines = append(lines, g.text("«b64:64»"))
	}
	lines = append(lines, g.text("«b64:30»=="))
	return append(lines, "-----END "+label+"-----")
}

// bodyLines are the lines that hold the key.
func bodyLines(lines []string) []string {
	var body []string
	for _, line := range lines {
		if len(line) >= 16 && !strings.ContainsAny(line, " -:") {
			body = append(body, line)
		}
	}
	return body
}

var pemForms = []struct {
	name  string
	write func(lines []string) string
}{
	{"whole", func(l []string) string { return strings.Join(l, "\n") + "\n" }},
	{"windows lines", func(l []string) string { return strings.Join(l, "\r\n") }},
	{"no end", func(l []string) string { return "cat key.pem\n" + strings.Join(l[:len(l)-1], "\n") }},
	{"escaped", func(l []string) string { return `{"id": 7, "private_key": ` + quoted(l) + `, "active": true}` }},
	{"escaped twice", func(l []string) string {
		b, _ := json.Marshal(`{"key": ` + quoted(l) + `}`)
		return `{"payload": ` + string(b) + `, "n": 3}`
	}},
	{"env", func(l []string) string { return "TLS_KEY=" + quoted(l) + "\nPORT=443" }},
	{"indented", func(l []string) string { return "tls:\n  key: |\n    " + strings.Join(l, "\n    ") + "\n  port: 443" }},
	{"mail quote", func(l []string) string { return "> " + strings.Join(l, "\n> ") + "\n\nPlease replace it." }},
	{"diff", func(l []string) string { return "+++ b/key.pem\n+" + strings.Join(l, "\n+") }},
	{"fenced", func(l []string) string { return "The key:\n\n```\n" + strings.Join(l, "\n") + "\n```\n" }},
	{"one line", func(l []string) string { return strings.Join(l, " ") }},
	{"numbered", func(l []string) string { return "     1\t" + strings.Join(l, "\n     2\t") }},
	{"go literal", func(l []string) string { return "const key = `" + strings.Join(l, "\n") + "`" }},
	{"joined literals", func(l []string) string { return "key := \"" + strings.Join(l, "\\n\" +\n\t\"") + "\\n\"" }},
}

// quoted is the lines as one JSON string.
func quoted(lines []string) string {
	b, _ := json.Marshal(strings.Join(lines, "\n") + "\n")
	return string(b)
}

// keyFileKinds are keys in other files than PEM.
var keyFileKinds = []kind{
	{"ppk", []string{"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: «user»\nPublic-Lines: 2\n«b64:64»\n«b64:20»\nPrivate-Lines: 1\n«!b64:44»\nPrivate-MAC: «hex:64»"}},
	{"age", []string{"# created: «ts»\n# public key: age1«bech:58»\n‹AGE-SECRET-KEY-1«BECH:58»›", "SOPS_AGE_KEY=‹AGE-SECRET-KEY-1«BECH:58»›"}},
	{"wireguard", []string{"[Interface]\nPrivateKey = «!b64:43»=\nAddress = «ip»/24\n\n[Peer]\nPublicKey = «b64pad»\nPresharedKey = «!b64:43»=\nEndpoint = «host»:51820"}},
	{"pem-elided", []string{"-----BEGIN RSA PRIVATE KEY-----\n«!b64:64»\n«!b64:64»\n...\n-----END RSA PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----\n«!b64:70»\n[truncated]"}},
	{"pem-start-in-log", []string{"«ts» ERROR cannot parse key \"-----BEGIN EC PRIVATE KEY-----\\n«!b64:64»\\n«!b64:20»=\\n\": bad padding"}},
	{"jwk", []string{`{"kty": "EC", "crv": "P-256", "x": "«b64u:43»", "y": "«b64u:43»", "d": "«!b64u:43»"}`, `{"kty":"oct","alg":"HS256","kid":"1","k":"«!b64u:43»"}`}},
	{"tls-crypt", []string{"-----BEGIN OpenVPN Static key V1-----\n«!hex:32»\n«!hex:32»\n«!hex:32»\n-----END OpenVPN Static key V1-----"}},
	{"signify", []string{"untrusted comment: signify secret key\n‹«b64:64»«b64:64»›"}},
}
