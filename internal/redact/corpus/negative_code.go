package corpus

// negativeCode talks about secrets without holding one.
var negativeCode = []kind{
	{"comparison", []string{
		"return password == stored", "if token != expected {\n\treturn ErrDenied\n}", "if (user.password === hash(input)) { login(user) }", "assert secret is not None",
		"if subtle.ConstantTimeCompare([]byte(token), want) != 1 {", "while password.length < 8:", "if api_key == \"\": raise ValueError(\"no api key\")",
	}},
	{"lookup", []string{
		"password := os.Getenv(\"DB_PASSWORD\")", "const apiKey = process.env.API_KEY;", "token = os.environ[\"GITHUB_TOKEN\"]", "api_key = os.environ.get('OPENAI_API_KEY', '')",
		"let secret = std::env::var(\"CLIENT_SECRET\")?;", "String password = System.getenv(\"DB_PASSWORD\");", "secret_key = config.get('auth', 'secret_key')", "password = settings.DATABASE_PASSWORD",
		"var token = Configuration[\"Auth:Token\"];", "apiKey: import.meta.env.VITE_API_KEY,", "secret = ENV.fetch('SECRET_KEY_BASE')", "token = request.headers.get('X-Auth-Token')",
		"password = getpass.getpass('Password: ')", "$password = $_POST['password'];", "token := r.Header.Get(\"Authorization\")", "auth_token = kwargs.pop('auth_token', None)",
	}},
	{"call", []string{
		"token = secrets.token_urlsafe(32)", "password = generate_password(length=20)", "hash, err := bcrypt.GenerateFromPassword([]byte(password), 12)", "const token = await getAccessToken(clientId);",
		"api_key = load_key(path)", "secret := base64.StdEncoding.EncodeToString(buf[:])", "token = token[:10] + '...'", "self.password = make_password(raw_password)", "const secret = crypto.randomBytes(32).toString('hex')",
		"accessToken: await signIn(user)", "password = prompt(\"New password: \")", "token, err := jwt.ParseWithClaims(raw, &claims, keyFunc)", "private_key = ec.generate_private_key(ec.SECP256R1())",
		"api_key=Depends(get_api_key)", "key = rsa.newkeys(2048)[1]",
	}},
	{"types", []string{
		"password: string;", "password: str = Field(..., min_length=8)", "apiKey?: string", "\tPassword string `json:\"password\"`", "\tAPIKey   string        // never logged", "private String clientSecret;",
		"token: Optional[str] = None", "secret: &'a str,", "pub api_key: Option<String>,", "interface Auth { token: string; secret: Buffer | null }", "def login(user: str, password: str) -> Token:",
		"func New(token string, opts ...Option) *Client", "public string Password { get; set; }", "char password[MAX_LEN];", "password VARCHAR(255) NOT NULL,", "api_key: Annotated[str, Header()]",
		"data class Login(val user: String, val password: String)",
	}},
	{"sql", []string{
		"SELECT id, password_hash FROM users WHERE token = $1", "UPDATE users SET password = ? WHERE id = ?", "ALTER TABLE users ADD COLUMN api_key TEXT;", "CREATE INDEX idx_token ON sessions (token);",
		"INSERT INTO tokens (user_id, token) VALUES (:user, :token)", "SELECT count(*) FROM secrets WHERE deleted_at IS NULL", "CREATE USER app WITH PASSWORD :'pw';", "SELECT * FROM users WHERE password IS NULL",
	}},
	{"template", []string{
		"password: ${{ secrets.DB_PASSWORD }}", "token: ${GITHUB_TOKEN}", "PASSWORD=$DB_PASS ./run.sh", "password: {{ .Values.db.password }}", "api_key = \"%s\" % key", "fmt.Sprintf(\"token=%s&user=%d\", tok, id)",
		"password={{ vault_db_password }}", "DATABASE_URL=postgres://app:${DB_PASSWORD}@db:5432/app", "curl -H \"Authorization: Bearer $TOKEN\" https://api.example.com", "curl -u \"$USER:$PASS\" https://example.com",
		"Authorization: Bearer {token}", "f\"Bearer {self.token}\"", "`Bearer ${token}`", "--password \"$(cat /run/secrets/db)\"", "secret = var.client_secret", "password = random_password.db.result", "token: !Ref ApiToken",
		"MYSQL_ROOT_PASSWORD: ${MYSQL_ROOT_PASSWORD:?not set}", "export API_KEY=$(pass show api/key)", "password: !vault |", "auth_token: \"{{ lookup('env', 'TOKEN') }}\"", "sshpass -e ssh user@host", "PGPASSWORD=\"$PGPASSWORD\" psql -h db",
		"docker login -u ci --password-stdin < token.txt", "api_key: <%= ENV['API_KEY'] %>", "password: @Model.Password", "set PASSWORD=%DB_PASSWORD%", "https://${USER}:${TOKEN}@git.example.com/app.git",
		"mysql -u root -p\"$MYSQL_PASSWORD\" app", "password=\"{password}\".format(password=pw)", "token: process.argv[2]", "-H \"X-Api-Key: ${API_KEY}\"",
	}},
	{"regex", []string{
		"const re = /password\\s*[:=]\\s*(\\S+)/i;", "regexp.MustCompile(`ghp_[A-Za-z0-9]{36}`)", "r'AKIA[0-9A-Z]{16}'", "grep -rE 'api[_-]?key' src/", "sk-[A-Za-z0-9]{48}", "pattern: \"^(?=.*[A-Z])(?=.*[0-9]).{8,}$\"",
		"sed -i 's/password=.*/password=/' app.conf", "Bearer [A-Za-z0-9._~+/-]+=*",
	}},
	{"tests-and-tables", []string{
		"{name: \"empty password\", in: \"\", want: ErrEmpty},", "it('rejects a missing token', () => {", "func TestToken_expired(t *testing.T) {", "t.Run(\"password too short\", func(t *testing.T) {", "| flag | default |\n|---|---|\n| --password-file | none |\n| --token-ttl | 1h |",
		"expect(screen.getByLabelText('Password')).toBeVisible()", "mock.patch('auth.verify_token', return_value=True)", "| password | string | required |", "| token | The token of the session | yes |",
	}},
	{"markup", []string{
		"<input type=\"password\" name=\"password\" placeholder=\"Password\" autocomplete=\"current-password\">", "<label for=\"password\">Password</label>", "<a href=\"/password/reset\">Forgot password?</a>", "\"login.password\": \"Password\",",
		"msgid \"Enter your password\"\nmsgstr \"Passwort eingeben\"", "password_label: Kennwort", "\"errors\": {\"password\": {\"required\": \"Enter a password\"}}", "<PasswordField secret={props.secret} onChange={setSecret} />", "input[type=password]:focus{border-color:#06c}",
	}},
	{"openapi", []string{
		"password:\n  type: string\n  format: password\n  minLength: 8", "securitySchemes:\n  apiKey:\n    type: apiKey\n    in: header\n    name: X-API-Key", "\"token\": {\"type\": \"string\", \"description\": \"The session token\"}",
		"required:\n  - username\n  - password", "secret:\n  type: object\n  properties:\n    name: {type: string}", "{\"properties\": {\"api_key\": {\"type\": \"string\", \"maxLength\": 64}}, \"required\": [\"api_key\"]}", "rpc GetToken(TokenRequest) returns (TokenResponse);\nstring token = 1;",
		"\"tokenUrl\": \"https://auth.example.com/oauth/token\"", "authorizationUrl: https://example.com/oauth/authorize\nscopes:\n  read:secrets: read secrets",
	}},
	{"imports", []string{"import { createToken } from './auth/token';", "from passlib.hash import bcrypt", "import secrets", "require 'jwt'", "use crate::token::Token;", "\"golang.org/x/crypto/ssh/terminal\"", "from secretmanager import SecretManagerServiceClient"}},
	{"stack-trace", []string{
		"java.lang.IllegalStateException: token expired\n\tat com.«word».auth.TokenService.verify(TokenService.java:«dig:3»)\n\tat com.«word».web.LoginFilter.doFilter(LoginFilter.java:«dig:2»)",
		"Traceback (most recent call last):\n  File \"/srv/«word»/auth.py\", line «dig:3», in check_password\n    raise InvalidPassword(user)\nInvalidPassword: bob", "goroutine «dig:3» [running]:\nmain.parseToken(0xc000«hex:6», 0x«hex:2»)\n\t/app/token.go:«dig:2» +0x«hex:3»",
	}},
	{"minified", []string{".«az:3»{color:#«hex:6»;background:#«hex:6»}.«az:4»:hover{margin:0 auto;transform:translate3d(0,-«dig:2»px,0)}", "!function(e,t){\"use strict\";var n=e.token,r=t(n.«az:2»);return r&&r.key||null}(window,function(e){return e.«az:3»});"}},
	{"placeholder", []string{
		"password: ****", "password=********", "API_KEY=xxxxxxxxxxxxxxxx", "token: <your-token>", "OPENAI_API_KEY=sk-...", "api_key: YOUR_API_KEY", "password: \"\"", "secret: null", "DB_PASSWORD=", "password: [redacted]", "token=<redacted>", "SECRET_KEY=<generate one>",
		"api_key=your_api_key_here", "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "\"token\": \"...\"", "Authorization: Bearer <token>", "Authorization: Bearer YOUR_TOKEN", "X-Api-Key: {your-key}", "password: (hidden)", "password: none", "secret = 'REPLACE_ME'",
		"postgres://user:****@db/app", "postgres://<user>:<password>@<host>/<db>", "token: ••••••••", "ANTHROPIC_API_KEY=sk-ant-xxxxx", "export TOKEN=…", "--token TOKEN", "--password PASSWORD", "-u USER:PASSWORD", "curl -u <user>:<password> https://example.com", "password: TODO",
	}},
	{"already-redacted", []string{
		"password: PASSWORD_REDACTED", "api_key=API_KEY_REDACTED and token BEARER_TOKEN_REDACTED", "{\"secret\": \"SECRET_REDACTED\", \"n\": 1}", "Authorization: BEARER_TOKEN_REDACTED", "export AWS_ACCESS_KEY_ID=AWS_KEY_REDACTED", "postgres://app:PASSWORD_REDACTED@db:5432/app",
		"key:\nPRIVATE_KEY_REDACTED\n", "GITHUB_TOKEN=GITHUB_TOKEN_REDACTED", "curl -u admin:PASSWORD_REDACTED https://example.com", "OPENAI_API_KEY=\"OPENAI_KEY_REDACTED\"", "the password is PASSWORD_REDACTED", "Authorization: Bearer BEARER_TOKEN_REDACTED",
	}},
}
