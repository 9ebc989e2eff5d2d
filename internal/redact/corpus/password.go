package corpus

// passwordKinds have a password told to somebody or given to a program.
var passwordKinds = []kind{
	{"is", []string{
		"The password is «!pw»", "Password is: «!pwsh»", "the admin password is \"«!phrase»\", keep it to yourself", "password for «user» on «host» is `«!pwsh»`.",
		"My passphrase is '«!phrase»'.", "FYI the new root password will be «!pwsh» from Monday.",
	}},
	{"arrow", []string{"password -> «!pwsh»", "password => «!pwsh»", "pw: «!pwsh»", "pass = «!pwsh»", "passcode: «!dig:8»"}},
	{"use", []string{
		"Use «!pwsh» as the password.", "Log in with username «user» and password «!pwsh», then open the dashboard.", "«!pwsh» is the password for the «env» box.",
		"I changed the root password to «!pwsh» yesterday.", "Set the database password to «!pwsh» before you start the job.", "user «user», password «!pwsh»",
		"login: «user» / «!pwsh»", "creds are «user»:«!pwsh» for «env»", "Credentials: «user» / «!pwsh»", "username: «user»\npassword: «!pw»\nurl: https://«host»/",
	}},
	{"chat", []string{
		"«first»: whats the db pw?\n«first»: its «!pwsh»", "<«first»> the wifi password is «!pwsh» btw", "[10:42] «first»: pwd «!pwsh»\n[10:43] «first»: ty",
		"> what is the password for «db»?\n\n«!pwsh»", "Q: Which password?\nA: The password is «!pwsh».",
	}},
	{"mysql", []string{"mysql -u root -p«!pwsh» «db»", "mysqldump -h «ip» -u«user» -p'«!pw»' «db» > dump.sql", "mysql --user=«user» --password=«!pwsh» -e 'select 1'", "mysqladmin -uroot -p«!pwsh» status"}},
	{"sshpass", []string{"sshpass -p «!pwsh» ssh «user»@«host»", "sshpass -p '«!pw»' rsync -a ./ «user»@«ip»:/srv/"}},
	{"curl", []string{"curl -u «user»:«!pwsh» https://«host»/api/v2/ping", "curl -sf --user '«user»:«!pw»' -T f.tgz https://«host»/repo/", "curl -X POST -u\"«user»:«!pwsh»\" http://«ip»:8080/job/build"}},
	{"wget-httpie", []string{"wget --user=«user» --password=«!pwsh» https://«host»/f.zip", "http -a «user»:«!pwsh» GET https://«host»/items", "wget --http-user=«user» --http-password='«!pw»' https://«host»/"}},
	{"psql", []string{"PGPASSWORD=«!pwsh» psql -h «host» -U «user» «db»", "PGPASSWORD='«!pw»' pg_dump -h «ip» «db» | gzip > d.gz", "$ MYSQL_PWD=«!pwsh» mysql -u «user»"}},
	{"docker-login", []string{"docker login -u «user» -p «!pwsh» registry.«word».io", "echo «!pwsh» | docker login --username «user» --password-stdin", "podman login --username «user» --password «!pwsh» quay.io", "helm registry login -u «user» -p '«!pw»' ghcr.io"}},
	{"expect", []string{"expect \"assword:\"\nsend \"«!pwsh»\\r\"\ninteract", "spawn ssh «user»@«ip»\nexpect \"*?assword:*\"\nsend -- \"«!pwsh»\\r\""}},
	{"sudo-chpasswd", []string{"echo '«!pwsh»' | sudo -S systemctl restart app", "echo \"«user»:«!pwsh»\" | chpasswd", "net use Z: \\\\fs\\share «!pwsh» /user:CORP\\«user»", "useradd -m -p «!pwsh» «user»", "cmdkey /add:«host» /user:«user» /pass:«!pwsh»"}},
	{"openssl-tools", []string{
		"openssl enc -aes-256-cbc -pass pass:«!pwsh» -in f -out f.enc", "openssl pkcs12 -export -passout pass:«!pwsh» -in c.pem", "zip -P «!pwsh» out.zip data.csv", "7z x -p«!b62:14» backup.7z",
		"gpg --batch --passphrase «!pwsh» -d f.gpg", "keytool -list -keystore k.jks -storepass «!pwsh»", "ldapsearch -x -D cn=admin,dc=«word» -w «!pwsh» -b dc=«word»", "smbclient //«host»/share -U «user»%«!b62:12»",
	}},
	{"db-shells", []string{"redis-cli -h «host» -a «!pwsh» ping", "mongosh --host «host» -u «user» -p «!pwsh» --authenticationDatabase admin", "sqlcmd -S «ip» -U sa -P «!pwsh» -Q 'select 1'", "sqlplus «user»/«!b62:12»@//«host»:1521/ORCL", "snowsql -a acc -u «user» --password «!pwsh»", "mc alias set s3 https://«host» «user» «!b62:32»", "cqlsh «ip» -u «user» -p «!pwsh»"}},
	{"terminal", []string{"$ ssh «user»@«ip»\n«user»@«ip»'s password: «!pwsh»\nLast login: Tue", "Username: «user»\nPassword: «!pwsh»\nLogin successful", "Enter PEM pass phrase: «!phrase»\n"}},
	{"powershell", []string{"ConvertTo-SecureString \"«!pwsh»\" -AsPlainText -Force", "$password = \"«!pw»\"", "New-LocalUser -Name «user» -Password (ConvertTo-SecureString '«!pwsh»' -AsPlainText -Force)"}},
}
