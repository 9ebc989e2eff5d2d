package corpus

// fileKinds are configuration files that hold secrets in the clear.
var fileKinds = []kind{
	{"netrc", []string{"machine «host» login «user» password «!pwsh»", "machine api.github.com\n  login «user»\n  password «!b62:40»\nmachine «host»\n  login ci\n  password «!pwsh»"}},
	{"pgpass", []string{"«host»:5432:«db»:«user»:«!pwsh»", "# ~/.pgpass\n*:5432:*:«user»:«!pwsh»"}},
	{"npmrc", []string{"//registry.npmjs.org/:_authToken=«!uuid»", "//npm.«word».io/:_password=«!b64:24»==\n//npm.«word».io/:username=ci", "registry=https://npm.«word».io/\n_auth=«!creds»\nalways-auth=true"}},
	{"yarnrc-bunfig", []string{"npmRegistries:\n  //npm.«word».io:\n    npmAuthToken: «!b62:40»", "[install.registry]\nurl = \"https://npm.«word».io\"\ntoken = \"«!b62:36»\""}},
	{"pypirc", []string{"[distutils]\nindex-servers = pypi\n\n[pypi]\nusername = «user»\npassword = «!pwsh»"}},
	{"docker-config", []string{`{"auths": {"registry.«word».io": {"auth": "«!creds»"}}, "credsStore": ""}`, "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \"«!creds»\"\n\t\t}\n\t}\n}"}},
	{"kubeconfig", []string{
		"apiVersion: v1\nkind: Config\nusers:\n- name: «user»\n  user:\n    token: «!jwt»", "users:\n- name: «user»\n  user:\n    client-certificate-data: «b64:80»\n    client-key-data: LS0tLS1CRUdJTi«!b64:180»==",
		"users:\n- name: «user»\n  user:\n    username: «user»\n    password: «!pwsh»",
	}},
	{"aws-credentials", []string{"[default]\naws_access_key_id = AKIA«!b32:16»\naws_secret_access_key = «!b64:40»\nregion = eu-west-1", `{"AccessKeyId": "ASIA«!b32:16»", "SecretAccessKey": "«!b64:40»", "SessionToken": "IQoJb3JpZ2lu«!b62:200»", "Expiration": "«ts»"}`}},
	{"s3cfg-rclone", []string{"[default]\naccess_key = «up:20»\nsecret_key = «!b64:40»\nhost_base = «host»", "[remote]\ntype = s3\naccess_key_id = «up:20»\nsecret_access_key = «!b64:40»", "[box]\ntype = sftp\nuser = «user»\npass = «!b64u:40»"}},
	{"xml", []string{
		"<server>\n  <id>central</id>\n  <username>«user»</username>\n  <password>«!pwsh»</password>\n</server>", "<bean><property name=\"password\" value=\"«!pwsh»\"/></bean>",
		"<user name=\"«user»\" password=\"«!pwsh»\" roles=\"manager-gui\"/>", "<apiKey>«!b62:32»</apiKey>", "<entry key=\"db.password\">«!pwsh»</entry>",
	}},
	{"web-config", []string{
		"<add name=\"Db\" connectionString=\"Server=«host»;Database=«db»;User Id=sa;Password=«!pwsh»;\" />", "<add key=\"ApiSecret\" value=\"«!b62:40»\" />",
		"<machineKey validationKey=\"«!HEX:128»\" decryptionKey=\"«!HEX:64»\" validation=\"SHA1\" />", "<add key=\"NuGetRepo\" />\n<packageSourceCredentials><repo><add key=\"ClearTextPassword\" value=\"«!pwsh»\" /></repo></packageSourceCredentials>",
	}},
	{"properties", []string{"spring.datasource.username=«user»\nspring.datasource.password=«!pwsh»", "jdbc.password: «!pwsh»\njdbc.user: «user»", "server.ssl.key-store-password=«!pwsh»", "signing.password=«!pwsh»\nsigning.keyId=«HEX:8»"}},
	{"htpasswd", []string{"«user»:$apr1$«!b62:8»$«!b62:22»", "«user»:$2y$10$«!b62:53»", "«user»:{SHA}«!b64:27»="}},
	{"shadow", []string{"«user»:$6$«b62:16»$«!b62:86»:19700:0:99999:7:::", "root:$y$j9T$«b62:22»$«!b62:43»:19700:0:99999:7:::"}},
	{"terraform", []string{
		"resource \"aws_db_instance\" \"main\" {\n  username = \"«user»\"\n  password = \"«!pw»\"\n}", "variable \"api_token\" {\n  type    = string\n  default = \"«!key»\"\n}",
		"provider \"datadog\" {\n  api_key = \"«!hex:32»\"\n  app_key = \"«!hex:40»\"\n}", "db_password = \"«!pw»\" # terraform.tfvars",
	}},
	{"compose", []string{"services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_USER: «user»\n      POSTGRES_PASSWORD: «!pwsh»", "environment:\n  - «secretname»=«!pwsh»\n  - TZ=UTC"}},
	{"ansible-hosts", []string{"[web]\n«ip» ansible_user=«user» ansible_ssh_pass=«!pwsh»", "mysql_root_password: \"«!pw»\""}},
	{"wp-config", []string{"define( 'AUTH_KEY', '«!b62:64»' );\ndefine( 'DB_HOST', 'localhost' );", "define('SECURE_AUTH_SALT', '«!b62:60»');"}},
	{"wpa-supplicant", []string{"network={\n  ssid=\"«word»\"\n  psk=\"«!phrase»\"\n}", "[wifi-security]\nkey-mgmt=wpa-psk\npsk=«!pwsh»"}},
	{"gcp-service-account", []string{`{"type": "service_account", "project_id": "«word»", "private_key_id": "«hex:40»", "private_key": "-----BEGIN PRIVATE KEY-----\n«!b64:64»\n«!b64:64»\n«!b64:64»\n-----END PRIVATE KEY-----\n", "client_email": "svc@«word».iam.gserviceaccount.com"}`}},
	{"git-credentials", []string{"https://«user»:«!b62:40»@github.com", "protocol=https\nhost=github.com\nusername=«user»\npassword=«!b62:40»"}},
	{"gradle-maven", []string{"credentials {\n  username = '«user»'\n  password = '«!pw»'\n}", "storePassword '«!pwsh»'\nkeyAlias 'app'\nkeyPassword '«!pwsh»'"}},
	{"nginx-haproxy", []string{"proxy_set_header Authorization \"Basic «!creds»\";", "user «user» insecure-password «!pwsh»", "stats auth «user»:«!pwsh»"}},
	{"rails-laravel", []string{"production:\n  secret_key_base: «!hex:128»", "MAIL_USERNAME=«user»\nMAIL_PASSWORD=«!pwsh»\nMAIL_ENCRYPTION=tls"}},
	{"cisco", []string{"enable secret 5 $1$«b62:4»$«!b62:22»", "username «user» privilege 15 password 0 «!pwsh»", "snmp-server community «!b62:14» RO"}},
}
