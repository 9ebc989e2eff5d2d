package corpus

// keyedKinds have a value under a telling name, in the syntaxes in which
// agents write them.
var keyedKinds = []kind{
	{"env", []string{
		"«keyname»=«!key»", "«secretname»=«!pwsh»", "PORT=«port»\n«secretname»='«!pw»'\nDEBUG=0", "«secretname» = \"«!phrase»\"",
	}},
	{"export", []string{"export «keyname»=«!key»", "export «secretname»=\"«!pw»\" && ./run.sh", "set -x; declare -x «keyname»='«!key»'"}},
	{"json", []string{
		`{"user": "«user»", "password": "«!pw»", "n": 1}`,
		`{"service":"«svc»","«camel»":"«!key»","timeout":30}`,
		"{\n  \"host\": \"«host»\",\n  \"port\": «port»,\n  \"«snake»\": \"«!key»\",\n  \"tls\": true\n}",
		`{"db": {"name": "«db»", "passwd": "«!phrase»"}, "tags": ["a", "b"]}`,
	}},
	{"json-escaped-quote", []string{`{"user":"bob","password":"‹«b62:4»\"«b62:6»›","n":1}`, `{"password": "‹«b62:5»\\«b62:5»›", "ok": true}`}},
	{"json-in-string", []string{
		`{"body": "{\"user\":\"«user»\",\"password\":\"«!pwsh»\"}", "status": 200}`,
		`curl -d "{\"«snake»\": \"«!key»\", \"dry_run\": true}" https://«host»/v1/setup`,
		`log.Printf("payload: %s", "{\"clientSecret\":\"«!key»\"}")`,
	}},
	{"yaml", []string{
		"database:\n  host: «host»\n  username: «user»\n  password: «!pwsh»\n  pool: 5",
		"«snake»: «!key»", "auth:\n  «camel»: '«!pw»'\n  enabled: true", "- name: «svc»\n  «snake»: \"«!key»\"\n  replicas: 2",
	}},
	{"yaml-block", []string{"password: >-\n  «!pwsh»\nuser: «user»", "client_secret: |\n  «!b62:40»\nregion: eu"}},
	{"toml", []string{"[database]\nuser = \"«user»\"\npassword = \"«!pw»\"\nport = «port»", "«snake» = '«!key»'"}},
	{"ini", []string{"[client]\nuser=«user»\npassword=«!pwsh»\nhost=«ip»", "[smtp]\nsmtp_password = «!pwsh»\nsmtp_port = 587", "[auth]\n«snake» : «!key»"}},
	{"go", []string{
		"cfg := Config{\n\tUser:     \"«user»\",\n\tPassword: \"«!pw»\",\n\tTimeout:  30 * time.Second,\n}",
		"const «camel» = \"«!key»\"", "var dbPassword = `«!pw»`", "os.Setenv(\"«keyname»\", \"«!key»\")",
	}},
	{"js", []string{
		"const «camel» = '«!key»';", "module.exports = { user: '«user»', password: '«!pw»', port: «port» };",
		"config.«camel» = \"«!key»\"", "let opts = {\"«camel»\": `«!key»`, retries: 3}",
	}},
	{"python", []string{"«snake» = \"«!key»\"", "conn = connect(host='«host»', user='«user»', password='«!pw»')", "SECRET_KEY = '«!b62:50»'", "self.«snake» = b\"«!key»\""}},
	{"python-dict", []string{"{'user': '«user»', 'password': '«!pw»', 'port': «port»}", "settings = {'«snake»': '«!key»'}", "dict(password=\"«!phrase»\", user=\"«user»\")"}},
	{"java", []string{
		"private static final String «keyname» = \"«!key»\";", "dataSource.setPassword(\"«!pw»\");",
		"@Value(\"«!key»\") String apiKey;\nString dbPassword = \"«!pw»\";",
	}},
	{"rust", []string{"const «keyname»: &str = \"«!key»\";", "let password = String::from(\"«!pw»\");", "password: \"«!pw»\".to_string(),"}},
	{"csharp", []string{"public const string «keyname» = \"«!key»\";", "var clientSecret = @\"«!key»\";", "new NetworkCredential(\"«user»\", \"«!pw»\")"}},
	{"php", []string{"define('DB_PASSWORD', '«!pw»');", "'password' => '«!pw»',", "$api_key = \"«!key»\";"}},
	{"ruby", []string{"config.secret_key_base = '«!hex:128»'", ":password => \"«!pw»\",", "password: '«!pw»', username: '«user»'"}},
	{"swift-kotlin", []string{"let apiKey: String = \"«!key»\"", "val clientSecret = \"«!key»\"", "private val dbPassword: String = \"«!pw»\""}},
	{"c", []string{"#define API_KEY \"«!key»\"", "static const char password[] = \"«!pw»\";"}},
	{"shell-assign", []string{"PASS='«!pw»'\nlogin \"$PASS\"", "TOKEN=\"«!key»\"; curl -H \"X-Token: $TOKEN\" https://«host»/", "local db_pass=«!pwsh»"}},
	{"cli-flag", []string{
		"./deploy --user «user» --password «!pwsh» --region eu-1", "tool --api-key=«!key» --verbose", "helm upgrade app . --set auth.rootPassword=«!pwsh»",
		"vault login -token=«!key»", "az login --service-principal -u «uuid» --password '«!key»' --tenant «uuid»", "gh-tool --client-secret \"«!key»\" sync",
		"terraform apply -var 'db_password=«!pw»'", "java -Dspring.datasource.password=«!pwsh» -jar app.jar", "ansible-playbook site.yml -e \"ansible_become_pass=«!pwsh»\"",
	}},
	{"argv-json", []string{`["deploy", "--token", "«!key»", "--env", "«env»"]`, `{"command": "tool", "args": ["--password=«!pwsh»", "-v"]}`}},
	{"markdown-cell", []string{
		"| key | value |\n|---|---|\n| user | «user» |\n| password | «!pwsh» |", "| API key | `«!key»` |", "| DB_HOST | «host» |\n| DB_PASSWORD | `«!pwsh»` |",
	}},
	{"markdown-list", []string{"- **Password:** `«!pwsh»`\n- **User:** `«user»`", "* API key: «!key»", "**Client secret**: `«!key»`"}},
	{"query", []string{
		"GET /v1/items?page=2&api_key=«!hex:32»&sort=asc HTTP/1.1", "https://«host»/cb?state=«hex:12»&access_token=«!b62:40»#top",
		"https://«host»/login?user=«user»&password=«!b62:12»", "«ip» - - [12/Nov/2026:10:12:44 +0000] \"GET /feed?token=«!b62:32» HTTP/2.0\" 200 512",
	}},
	{"form", []string{
		"grant_type=client_credentials&client_id=«svc»&client_secret=«!b62:40»", "username=«user»&password=«!b62:11»&remember=1",
		"grant_type=refresh_token&refresh_token=«!b64u:64»&scope=read",
	}},
	{"log-kv", []string{
		"«ts» DEBUG connect host=«host» user=«user» password=«!pwsh» ssl=on", "time=\"«ts»\" level=info msg=\"login\" api_key=\"«!key»\" took=12ms",
		"«ts» [«svc»] config loaded: {user: «user», secret: «!b62:32», ttl: 60}", "DEBUG settings: auth_token -> «!b62:32»",
	}},
	{"struct-dump", []string{
		"Config(host='«host»', api_key='«!key»', debug=True)", "&{Host:«host» User:«user» Password:«!pwsh» Port:«port»}", "#<User id: 4, email: \"«email»\", api_token: \"«!key»\">",
	}},
	{"sql", []string{
		"CREATE USER «db» WITH PASSWORD '«!pw»';", "ALTER USER root IDENTIFIED BY '«!pw»';", "CREATE USER 'app'@'%' IDENTIFIED BY '«!pwsh»';",
		"INSERT INTO users (name, password) VALUES ('«user»', '«!pw»');", "UPDATE settings SET api_key = '«!key»' WHERE id = 3;",
	}},
	{"diff", []string{"-  password: changeme\n+  password: «!pwsh»", "+SECRET_KEY = \"«!b62:50»\"", "@@ -3 +3 @@\n-const apiKey = process.env.API_KEY\n+const apiKey = \"«!key»\""}},
	{"mnemonic", []string{"MNEMONIC=\"‹«word» «word» «word» «word» «word» «word» «word» «word» «word» «word» «word» «word»›\""}},
	{"otp", []string{"totp_secret: «!b32:32»", "otpauth://totp/App:«user»?secret=«!b32:32»&issuer=App"}},
	{"other-language", []string{"Passwort: «!pwsh»", "contraseña: «!pwsh»", "mot de passe : «!pwsh»", "mot_de_passe=«!pwsh»", "senha: «!pwsh»", "пароль: «!pwsh»", "密码: «!pwsh»"}},
}
