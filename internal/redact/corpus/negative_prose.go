package corpus

// negativeProse are sentences in which the words mean something else, or mean
// it and tell nothing.
var negativeProse = []kind{
	{"words", []string{
		"The secret sauce is a second index on the events table.", "We use a token bucket for rate limiting.", "The password reset flow sends two mails.", "Key takeaways: ship small, measure twice.", "Bearer of bad news: the migration failed again.", "The password field is required.", "Enter password:\nThen click OK", "It is no secret that the tests are slow.",
		"My password manager crashed during the demo.", "The API key page moved to the settings menu.", "A key is pressed, and the token moves one square.", "He passed the baton to the other team.", "Secrets: use the vault, never the repository.", "Password policy: at least twelve characters.", "Token refresh happens every five minutes.", "The token is invalid.", "Your password is incorrect.", "The password is wrong, try again.", "The secret is in the details.",
		"The password is stored in the vault.", "The token is expired; please log in.", "The API key is missing from the request.", "The password was changed yesterday by bob.", "I forgot my password again.", "Authorization: required for all endpoints below.", "Basic authentication is disabled by default.", "Bearer tokens are passed in the Authorization header.", "Cookie: we only set necessary ones.", "The key is to keep it simple.", "Passphrase: anything you can remember.",
		"Password authentication is turned off on this host.", "Use a password manager, please.", "Secret santa: names are drawn on Friday.", "Session token handling was rewritten.", "Do you have the password? I do not.", "Please send me the password over Signal.", "The private key never leaves the device.", "password and token are both optional", "Tokens: 1,532 in, 420 out.", "what is the api key for staging?", "No password was set.", "password is not set", "The password must be changed every 90 days.",
	}},
	{"notes", []string{
		"Next: «first» rewrites the token parser, «first» reviews. Password rules come later.", "I looked at auth.go: the token is compared in constant time, the secret comes from «svc».", "## Password storage\n\nPasswords are hashed with argon2id («dig:2» MiB, 3 passes).", "- [x] rotate API keys\n- [ ] remove password from «svc» logs\n- [ ] token TTL «dig:2» min",
		"The «svc» secret expires in «dig:2» days, rotate it with `make rotate`.", "Login as «user» works on «env», the password is in 1Password under «word».", "password: see the vault entry \"«word»\"", "token usage: «int» of «int»", "Agent «first» holds the lease, fencing token «dig:3».", "The username is «user», and the password is the one from last week.", "Our key metric: p99 of «dig:2» ms on «svc».",
	}},
	{"questions-and-docs", []string{
		"How do I pass a token to the client? Set API_TOKEN before you start it.", "Set `password` to an empty string to turn it off.", "`token` (string, required): the token of the session", "* `secret`: name of the Kubernetes secret", "The `Authorization` header has the form `Bearer <token>`.", "Tokens start with `sk-ant-` or `ghp_`.", "Call `set_password(user, password)` first.", "Add your key to the environment as OPENAI_API_KEY.", "To log in, run `docker login` and type your password.", "See [password reset](docs/password.md#reset).",
		"password (optional): defaults to none", "**Token:** see above", "Pass `--password` or set `DB_PASSWORD`.", "The format is user:password, joined by a colon.", "curl -u takes user:password.", "The environment variables DB_USER, DB_PASSWORD and DB_HOST must be set.", "Params: username, password, remember_me", "Returns: token: the new token, expires: seconds",
	}},
	{"other-languages", []string{"Das Passwort ist falsch.", "Passwort vergessen?", "Le mot de passe est obligatoire.", "La contraseña es demasiado corta.", "Der Schlüssel liegt unter der Matte.", "パスワードを入力してください", "Пароль неверный.", "密码不能为空"}},
	{"messages", []string{
		"error: invalid password (attempt 2 of 3)", "fatal: Authentication failed for 'https://git.example.com/app.git/'", "Permission denied (publickey,password).", "401 Unauthorized: token expired at 2026-11-12T10:00:00Z", "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)", "WARNING! Using --password via the CLI is insecure. Use --password-stdin.", "psql: error: FATAL: password authentication failed for user \"app\"",
		"Incorrect API key provided.", "secret \"db-credentials\" not found", "unexpected token < in JSON at position 0", "SyntaxError: Unexpected token '}'", "bob@db1's password:", "[sudo] password for deploy:", "Enter passphrase for key '/home/bob/.ssh/id_rsa':", "Error: missing required argument: token", "warning: password: unused variable", "Username for 'https://github.com':", "token: command not found",
	}},
}

// negativeURL are addresses without credentials.
var negativeURL = []kind{
	{"plain-urls", []string{
		"https://«host»:8443/v1/tokens/«uuid»?page=2&sort=key", "postgres://localhost:5432/«db»", "redis://«host»:6379/0", "git@github.com:«word»/«word».git", "scp out.log «user»@«host»:/var/log/", "https://«host»/@«first»/post-«dig:5»", "http://[::1]:8080/reset-password", "mailto:«email»?subject=Password%20reset", "https://registry.npmjs.org/@types/node", "postgresql://«user»@«host»/«db»", "docker pull ghcr.io/«word»/«svc»:«ver»@sha256:«hex:64»",
		"https://github.com/«word»/«word»/commit/«hex:40»", "https://github.com/«word»/«word»/compare/«hex:40»...«hex:40»", "https://www.youtube.com/watch?v=«b64u:11»&t=«dig:2»s", "https://docs.google.com/document/d/1«b64u:43»/edit", "jdbc:postgresql://«host»:5432/«db»", "amqp://«host»:5672", "https://«host»/?utm_source=news&utm_campaign=key-«word»", "Server=«host»;Database=«db»;Trusted_Connection=True;", "ssh://git@«host»:22/«word».git", "https://«host»/a:b@c/«dig:3»",
		"magnet:?xt=urn:btih:«hex:40»", "https://example.com/oauth/authorize?response_type=code&client_id=«word»&scope=read", "https://«host»/search?q=password+reset&token_type=all",
	}},
	{"bridge-talk", []string{"conversation conv-«hex:12» opened by session a", "{\"channel\": \"#build\", \"seq\": «int», \"from\": \"«first»\", \"body\": \"token parser done\"}", "bridge_send #build: «first» finished «svc», «dig:2» tests pass", "audit head «hex:64» at «int» entries", "checkpoint: size «int», root «b64:43»="}},
}
