package corpus

// vendor is a token format: its name, the variable under which its
// documentation has it, and a template of the token.
type vendor struct{ name, variable, token string }

// providers puts each vendor's token in two places, drawn at random.
func (g *gen) providers() []Text {
	anywhere := append(append([]string{}, barePlaces...), namedPlaces...)
	var texts []Text
	for _, v := range append(append([]vendor{}, bareVendors...), moreVendors...) {
		texts = append(texts, g.place(v, g.pick(barePlaces)), g.place(v, g.pick(anywhere)))
	}
	for _, v := range namedVendors {
		texts = append(texts, g.place(v, g.pick(namedPlaces)))
	}
	texts = append(texts, g.all(Provider, webhooks)...)
	return texts
}

func (g *gen) place(v vendor, place string) Text {
	g.vars = map[string]string{"tok": g.text(v.token), "var": v.variable, "vendor": v.name}
	defer clear(g.vars)
	text, secrets := g.expand(place)
	return Text{v.name, Provider, text, secrets}
}

// barePlaces do not say that what follows is a secret, or only in prose.
var barePlaces = []string{
	"Hey, the «vendor» key for «env» is «!tok», please rotate it next week.",
	"I used «!tok» and got a 401 back. Is it expired?",
	"«ts» ERROR [«svc»] request failed: invalid credential «!tok» (status=403)",
	"level=warn ts=«ts» msg=\"auth failed\" provider=«vendor» credential=«!tok» attempt=3",
	"Start the worker with `«!tok»` until Friday, then delete it.",
	"client := vendor.NewClient(\"«!tok»\", vendor.WithRetries(3))",
	"client = Client('«!tok»', timeout=30)",
	"@@ -12,3 +12,3 @@\n-\tc := client.New(os.Getenv(\"«var»\"))\n+\tc := client.New(\"«!tok»\")\n \treturn c, nil",
	"curl -sS -H \"Authorization: Bearer «!tok»\" https://«host»/v1/me | jq .id",
	"{\"args\": [\"--verbose\", \"«!tok»\", \"--region=eu-1\"], \"retries\": 2}",
	"«first»: which one do we use on «env»?\n«first»: «!tok»\n«first»: thanks, got it",
	"| service | credential | env |\n|---|---|---|\n| «vendor» | «!tok» | «env» |",
	"// TODO(«first»): remove before merging: «!tok»",
	"Error: 401 Unauthorized («!tok»)\n    at Client.request (/srv/app/node_modules/sdk/index.js:88:11)\n    at async main (/srv/app/run.js:14:3)",
	"$ vendor login --with-token <<< «!tok»\nLogged in as «user».",
	"Steps:\n1. open the console\n2. paste «!tok»\n3. press save",
	"<li>Staging: <code>«!tok»</code></li>",
	"fetch('https://«host»/v1/items', {headers: {'X-Auth': '«!tok»'}})",
	"https://«host»/v1/export?format=csv&key=«!tok»&limit=100",
	"test(\"rejects old credentials\", async () => {\n  expect(await login(\"«!tok»\")).toBe(false)\n})",
}

// namedPlaces have the token under its documented name.
var namedPlaces = []string{
	"export «var»=«!tok»",
	"# «env»\nLOG_LEVEL=debug\n«var»=«!tok»\nPORT=«port»\n",
	"«var»=\"«!tok»\" npm run start",
	"env:\n  - name: «var»\n    value: \"«!tok»\"\n  - name: LOG_LEVEL\n    value: info",
	"{\"«var»\": \"«!tok»\", \"debug\": false, \"port\": «port»}",
	"{\"mcpServers\": {\"«vendor»\": {\"command\": \"npx\", \"args\": [\"-y\", \"server\"], \"env\": {\"«var»\": \"«!tok»\"}}}}",
	"docker run --rm -e «var»=«!tok» -p 8080:80 registry.«word».io/«svc»:«ver»",
	"process.env.«var» = '«!tok»';",
	"os.environ[\"«var»\"] = \"«!tok»\"",
	"FROM alpine:3.20\nENV «var»=«!tok»\nCMD [\"/app\"]",
	"jobs:\n  deploy:\n    env:\n      «var»: «!tok»\n    steps:\n      - run: make deploy",
	"[env]\n«var» = \"«!tok»\"\nREGION = \"eu-1\"",
	"@@ -1,2 +1,2 @@\n REGION=eu-1\n-«var»=changeme\n+«var»=«!tok»",
	"heroku config:set «var»=«!tok» --app «svc»",
	"kubectl create secret generic «svc» --from-literal=«var»=«!tok»",
	"I put this in the env file:\n```\n«var»=«!tok»\n```\nand it still says 401.",
	"const char *«var» = \"«!tok»\";",
	"setx «var» \"«!tok»\"",
	"$env:«var» = \"«!tok»\"",
	"fly secrets set «var»=«!tok»",
}

// webhooks are URLs that are secrets as a whole; what counts is the part that
// cannot be guessed.
var webhooks = []kind{
	{"slack-webhook", []string{"Post to https://hooks.slack.com/services/T«up:8»/B«up:10»/«!b62:24» when done."}},
	{"discord-webhook", []string{"WEBHOOK=https://discord.com/api/webhooks/«dig:19»/«!b64u:68»"}},
	{"teams-webhook", []string{"uri: https://«word».webhook.office.com/webhookb2/«uuid»@«uuid»/IncomingWebhook/«!hex:32»/«uuid»"}},
	{"telegram-url", []string{"curl https://api.telegram.org/bot«dig:10»:‹AA«b64u:33»›/getMe"}},
	{"feishu-webhook", []string{"curl -X POST https://open.feishu.cn/open-apis/bot/v2/hook/«!uuid» -d @msg.json"}},
	{"google-chat-webhook", []string{"https://chat.googleapis.com/v1/spaces/AAQA«b64u:7»/messages?key=AIza«!b64u:35»&token=«!b64u:43»"}},
	{"infura-url", []string{"RPC_URL=https://mainnet.infura.io/v3/«!hex:32»", "const provider = new JsonRpcProvider(\"https://mainnet.infura.io/v3/«!hex:32»\")"}},
	{"slack-cookie", []string{"Cookie: d=‹xoxd-«b62:60»%2B«b62:60»%3D›; lc=17«dig:8»"}},
}
