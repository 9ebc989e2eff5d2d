package corpus

// negativeConfig are settings whose names sound secret and whose values are not.
var negativeConfig = []kind{
	{"limits", []string{
		"max_tokens: «int»", "{\"usage\": {\"prompt_tokens\": «int», \"completion_tokens\": «int», \"total_tokens\": «int»}}", "token_ttl = «int»", "PASSWORD_MIN_LENGTH=«dig:2»", "\"tokensPerMinute\": «int»,", "tokens: «int»", "password_expiry_days: «dig:2»",
	}},
	{"flags", []string{
		"password_required: true", "PasswordAuthentication no", "PermitEmptyPasswords no", "\"usePassword\": false", "secret: true", "enable_token_refresh=yes", "requirepass off", "show_password: false", "token_type: bearer", "\"auth\": \"none\"", "password_encryption = scram-sha-256", "auth_method: password",
	}},
	{"references", []string{
		"valueFrom:\n  secretKeyRef:\n    name: db-credentials\n    key: password", "secretName: tls-wildcard", "password_file: /run/secrets/db_password", "ssl_certificate_key /etc/nginx/ssl/server.key;", "imagePullSecrets:\n  - name: registry", "IdentityFile ~/.ssh/id_ed25519",
		"POSTGRES_PASSWORD_FILE=/run/secrets/pg", "credentials: file:///etc/app/creds.json", "secrets:\n  db_password:\n    file: ./db_password.txt", "passwordSecretRef: {name: redis, key: redis-password}", "GOOGLE_APPLICATION_CREDENTIALS=/etc/gcp/key.json",
		"tokenPath: /var/run/secrets/kubernetes.io/serviceaccount/token", "key_file = \"certs/server.pem\"", "secret_id: projects/app/secrets/db/versions/latest", "password: vault:secret/data/app#db", "secretArn: arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db", "token: file(\"token.txt\")", "api_key_name: primary",
		"op://vault/database/password", "private_key_path: ~/.ssh/deploy_key", "secret:\n  provider: vault\n  path: kv/app", "key: id_rsa.pub",
	}},
	{"keys-not-secret", []string{
		"primary_key: user_id", "cache_key = \"user:«dig:4»:profile\"", "sort_key: created_at", "partition_key=«word»-«dig:3»", "{\"key\": \"«word».title\", \"value\": \"«word»\"}", "\"key\": \"ArrowDown\"", "foreign_key: {table: orders, column: «word»_id}", "idempotency_key: «uuid»", "keyboard_shortcut: ctrl+shift+k", "key: build-«ver»-linux", "s3_key: uploads/2026/«word»/«uuid».png", "KEY_PREFIX=«word»:",
		"next_page_token: null", "{\"pagination\": {\"has_more\": true, \"count\": «int»}}",
	}},
	{"public-keys", []string{
		"-----BEGIN PUBLIC KEY-----\n«b64:64»\n«b64:64»\n«b64:24»\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\n«b64:64»\n«b64:64»\n«b64:64»\n«b64:40»=\n-----END CERTIFICATE-----", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI«b64:43» «user»@«word»",
		"recipients: age1«bech:58»", "[Peer]\nPublicKey = «b64:43»=\nAllowedIPs = «ip»/32", "«host» ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ«b64:120»", "-----BEGIN PGP SIGNATURE-----\n\n«b64:64»\n«b64:40»=\n-----END PGP SIGNATURE-----", "SHA256:«b64:43» «user»@«host» (ED25519)", "pgp fingerprint: «HEX:4» «HEX:4» «HEX:4» «HEX:4» «HEX:4»",
		"-----BEGIN CERTIFICATE REQUEST-----\n«b64:64»\n«b64:64»\n-----END CERTIFICATE REQUEST-----",
	}},
	{"workflow", []string{
		"permissions:\n  id-token: write\n  contents: read", "- uses: actions/create-github-app-token@v2\n  with:\n    app-id: ${{ vars.APP_ID }}", "with:\n  token: ${{ github.token }}", "- name: Rotate secrets\n  run: make rotate", "on:\n  secret_scanning_alert:\n    types: [created]",
		"env:\n  PASSWORD: ${{ inputs.password }}", "secrets: inherit",
	}},
	{"cli-help", []string{
		"  -p, --password string   password to use (prompted for if empty)", "Usage: login [--token TOKEN] [--user USER]", "      --api-key string      API key; also $APP_API_KEY", "  --secret-file PATH   where the secret is", "mysql -u root -p", "ssh -p 2222 deploy@example.com", "docker run -p 8080:80 nginx", "mkdir -p src/auth/token", "psql -h localhost -p 5432 -U app",
		"curl -u admin https://example.com/ # asks for the password", "tar -xzf a.tgz -C /opt -p", "sudo -u postgres psql", "git push -u origin feature/password-reset", "sort -u tokens.txt", "rsync -avz -e 'ssh -p 22' src/ host:/dst/", "cp -p id_rsa.pub /tmp/", "python -u main.py", "nc -u 10.0.0.1 53", "kubectl get secret db-credentials -o yaml", "gpg --list-secret-keys --keyid-format long", "aws secretsmanager get-secret-value --secret-id app/db",
		"ssh-keygen -t ed25519 -f ~/.ssh/id_ed25519", "vault kv get secret/app/db", "gh secret set API_KEY < key.txt", "openssl rand -hex 32", "pass show email/work", "docker run -u 1000:1000 alpine id", "chown -R app:app /srv", "unzip -p archive.zip config/app.yaml", "git config credential.helper store", "passwd -l deploy",
	}},
}
