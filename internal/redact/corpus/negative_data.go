package corpus

// negativeData is random-looking text that gives access to nothing.
var negativeData = []kind{
	{"git", []string{
		"commit «hex:40»\nAuthor: «first» <«email»>\nDate:   Tue «month» 12 10:00:00 2026 +0100\n\n    auth: rotate tokens", "Fixed in «hex:8», reverted in «hex:40».", "index «hex:7»..«hex:7» 100644\n--- a/token.go\n+++ b/token.go", "git checkout «hex:40»", "uses: actions/checkout@«hex:40» # v4",
	}},
	{"sha256", []string{
		"«hex:64»  app-«ver».tar.gz", "image: registry.«word».io/«svc»@sha256:«hex:64»", "sha256 = \"«hex:64»\"", "{\"digest\": \"sha256:«hex:64»\", \"size\": «int»}", "ETag: \"«hex:64»\"", "checksum: «hex:64»", "The SHA-256 of the file is «hex:64».", "echo '«hex:64»  f.iso' | sha256sum -c", "--hash=sha256:«hex:64»", "hash: «hex:64»", "block «hex:64» confirmed", "FROM alpine@sha256:«hex:64»",
		"url \"https://«host»/a.tgz\"\nsha256 \"«hex:64»\"", "tree root «hex:64» at size «int»", "tx 0x«hex:64» mined", "container «hex:64» exited (0)", "merkle_root=«hex:64»", "{\"sha256\":\"«hex:64»\",\"name\":\"a.bin\"}",
	}},
	{"md5-sha512", []string{"MD5 (f.iso) = «hex:32»", "Content-MD5: «b64:22»==", "sha512sum: «hex:128»", "fingerprint=«hex:32»", "cache miss for «hex:40»"}},
	{"uuid", []string{"request_id=«uuid» took=12ms", "{\"id\": \"«uuid»\", \"state\": \"open\"}", "conversation «uuid» closed", "trace «hex:32» span «hex:16»", "X-Request-Id: «uuid»"}},
	{"integrity", []string{"\"integrity\": \"sha512-«b64:86»==\"", "<script src=\"/a.js\" integrity=\"sha384-«b64:64»\" crossorigin=\"anonymous\"></script>", "integrity sha1-«b64:27»="}},
	{"image", []string{"![](data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA«b64:300»==)", "background:url(data:image/svg+xml;base64,PHN2ZyB4bWxucz0i«b64:120»)", "<img src=\"data:image/gif;base64,R0lGODlhAQABA«b64:60»=\">"}},
	{"lock", []string{
		"golang.org/x/text v0.«dig:2».0 h1:«b64:43»=\ngolang.org/x/text v0.«dig:2».0/go.mod h1:«b64:43»=", "[[package]]\nname = \"token-«word»\"\nversion = \"«ver»\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"«hex:64»\"",
		"\"node_modules/«word»-token\": {\n  \"version\": \"«ver»\",\n  \"resolved\": \"https://registry.npmjs.org/«word»/-/«word»-«ver».tgz\",\n  \"integrity\": \"sha512-«b64:86»==\"\n}", "«word»@^«ver»:\n  version \"«ver»\"\n  resolved \"https://registry.yarnpkg.com/«word»/-/«word»-«ver».tgz#«hex:40»\"",
		"{file = \"secretstorage-«ver».whl\", hash = \"sha256:«hex:64»\"},",
	}},
	{"log", []string{
		"«ts» INFO [«svc»] user «dig:5» logged in from «ip» session=«dig:6» in «dig:2»ms", "«ts» WARN token bucket empty for agent-«dig:3», retry in «dig:2»s", "«ts» ERROR password check failed for user «dig:4» (attempt 3)", "I1112 10:42:«dig:2».«dig:6» 1 secret.go:«dig:3»] synced secret default/«word»", "«ip» - - [12/Nov/2026:10:42:11 +0000] \"POST /password/reset HTTP/1.1\" 302 0", "pod/«svc»-«hex:9»-«low:5» 1/1 Running", "token refreshed, expires_in=«int»", "key=«word» hits=«int» misses=«dig:2»",
	}},
	{"hexdump", []string{"00000000  «hex:2» «hex:2» «hex:2» «hex:2» «hex:2» «hex:2» «hex:2» «hex:2»  «hex:2» «hex:2» «hex:2» «hex:2» |........|", "0x0010:  «hex:4» «hex:4» «hex:4» «hex:4» «hex:4» «hex:4» «hex:4» «hex:4»", "mov rax, 0x«hex:16»"}},
	{"numbers", []string{"Call +49 30 «dig:4» «dig:4» before noon.", "go1.«dig:2».«dig:1» and node v«ver»", "from «ts» to «ts»", "IBAN ends in «dig:4», order «dig:9»", "pi is 3.14159265358979323846", "seed=«dig:10» epoch=17«dig:8»", "lat 52.«dig:6», lon 13.«dig:6»"}},
	{"identifiers", []string{
		"task-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "risk-assessment-of-the-«word»-«word»-migration-in-2026", "TestSessionTokenIsRefreshedWhenTheClientReconnectsAfterTimeout", "com.example.security.oauth2.client.token.grant.code.AuthorizationCodeAccessTokenProvider", "feature/rotate-api-keys-«dig:4»", "sk-SK and sk-learn are not keys",
		"desk-«word»-«word»-«dig:3»", "npm_config_registry=https://registry.npmjs.org/", "hf_transfer and hf_hub_download", "pk_users_id, re_read_all_the_things", "arn:aws:iam::«dig:12»:role/«word»-token-reader", "projects/«word»/locations/eu/keyRings/app/cryptoKeys/main", "GH_TOKEN, GITHUB_TOKEN, GITLAB_TOKEN, NPM_TOKEN", "ask-me-anything-about-«word»", "ghp_ is the prefix of GitHub tokens, AKIA that of AWS keys", "SG.example and xoxb- appear in the docs", "disk-usage-report-for-the-«word»-cluster-node-«dig:2»", "key_frames_per_second_at_«dig:3»", "eyJ is how a JWT begins", "whsec_, rk_live_ and sk_live_ are Stripe's prefixes",
	}},
	{"encoded-text", []string{
		"The header decodes to {\"alg\":\"HS256\",\"typ\":\"JWT\"}.", "aGVsbG8gd29ybGQsIHRoaXMgaXMgYSBsb25nIGJ1dCBoYXJtbGVzcyB0ZXh0IGluIGJhc2U2NA==", "q=%7B%22name%22%3A%22harbor%22%2C%22sort%22%3A%22created_at%22%2C%22page%22%3A2%7D", "48656c6c6f2c20776f726c642e205468697320697320706c61696e20746578742e",
	}},
	{"notebook", []string{"{\"cell_type\": \"code\", \"id\": \"«hex:8»\", \"outputs\": [{\"image/png\": \"iVBORw0KGgo«b64:160»\"}]}", "{\"version\":3,\"sources\":[\"token.ts\"],\"mappings\":\"AAAA;«alpha:30»,CAAC;«alpha:20»\"}"}},
	{"certificate-details", []string{"Serial Number: «hex:2»:«hex:2»:«hex:2»:«hex:2»:«hex:2»:«hex:2»\nX509v3 Subject Key Identifier: «HEX:2»:«HEX:2»:«HEX:2»:«HEX:2»", "kid: «hex:16», alg: RS256, use: sig", "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"kid\":\"«hex:8»\",\"n\":\"«b64u:200»\"}"}},
}
