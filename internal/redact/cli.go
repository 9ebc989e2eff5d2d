package redact

import "strings"

// command is a program whose options hold passwords under short names.
type command struct {
	name string
	flag string // the option, with its dash
	form form
}

type form uint8

const (
	glued   form = iota // -pSECRET
	apart               // -p SECRET, or -pSECRET
	pairing             // -u user:SECRET
	percent             // -U user%SECRET
	oneOf               // -p SECRET, with a blank only
)

var commands = []command{
	{"mysql", "-p", glued}, {"mariadb", "-p", glued}, {"mysqldump", "-p", glued}, {"mysqladmin", "-p", glued}, {"mysqlimport", "-p", glued},
	{"sshpass", "-p", apart}, {"mongo", "-p", apart}, {"docker login", "-p", oneOf}, {"podman login", "-p", oneOf}, {"az login", "-p", oneOf},
	{"oc login", "-p", oneOf}, {"twine upload", "-p", oneOf}, {"sqlcmd", "-P", apart}, {"bcp ", "-P", apart}, {"7z", "-p", glued}, {"zip ", "-P", apart}, {"unzip", "-P", apart}, {"cqlsh", "-p", oneOf}, {"useradd", "-p", oneOf}, {"usermod", "-p", oneOf}, {"helm registry login", "-p", oneOf}, {"buildah login", "-p", oneOf}, {"skopeo login", "-p", oneOf}, {"nerdctl login", "-p", oneOf}, {"docker login", "--password", oneOf}, {"arangosh", "--server.password", oneOf}, {"psexec", "/p", oneOf}, {"helm ", "--password", oneOf},
	{"redis-cli", "-a", oneOf}, {"ldapsearch", "-w", apart}, {"ldapmodify", "-w", apart}, {"ldapadd", "-w", apart}, {"ldapwhoami", "-w", apart}, {"kinit", "--password", oneOf}, {"cypher-shell", "-p", oneOf}, {"influx", "-password", oneOf}, {"mosquitto_pub", "-P", oneOf}, {"mosquitto_sub", "-P", oneOf}, {"ipmitool", "-P", oneOf}, {"isql", "-P", apart}, {"clickhouse", "--password", oneOf}, {"expect", "-p", oneOf},
	{"curl", "-u", pairing}, {"curl", "--user", pairing}, {"curl", "-U", pairing}, {"curl", "--proxy-user", pairing}, {"http ", "-a", pairing}, {"https ", "-a", pairing}, {"http ", "--auth", pairing}, {"wget", "--user", pairing}, {"ab ", "-A", pairing}, {"xh ", "-a", pairing}, {"hey ", "-a", pairing},
	{"smbclient", "-U", percent}, {"rpcclient", "-U", percent}, {"net ", "-U", percent}, {"wmic", "-U", percent}, {"winexe", "-U", percent},
	{"gpg", "--passphrase", oneOf}, {"rabbitmqctl", "-p", glued}, {"nmcli", "password", oneOf}, {"vncpasswd", "-p", oneOf}, {"ansible", "-p", glued},
	{"xfreerdp", "/p:", glued}, {"rdesktop", "-p", apart}, {"evil-winrm", "-p", oneOf}, {"crackmapexec", "-p", oneOf}, {"psexec", "-p", oneOf}, {"impacket", "-p", oneOf}, {"snowsql", "-p", oneOf}, {"kubectl", "--password", oneOf}, {"svn ", "--password", oneOf}, {"lftp", "-u", pairing}, {"ncftp", "-p", oneOf}, {"sqsh", "-P", apart}, {"rclone obscure", "", oneOf}, {"vault login", "", oneOf}, {"impala-shell", "-l", glued}, {"beeline", "-p", oneOf}, {"snmpwalk", "-A", oneOf}, {"snmpwalk", "-X", oneOf}, {"ncat", "--proxy-auth", pairing}, {"mc alias set", "", glued},
}

// addCommands adds the table of commands, and those with a scanner of their own.
func (v *vocabulary) addCommands() {
	for i := range commands {
		c := &commands[i]
		if c.name == "mc alias set" || c.name == "rabbitmqctl" || c.name == "ansible" || c.name == "expect" || c.name == "hey " {
			continue
		}
		v.scan(func(s *scan, h hit) { s.option(c, h) }, c.name)
	}
	v.scan((*scan).passArgument, "pass:")
	v.scan((*scan).chpasswd, "chpasswd", "--password-stdin", "sudo -s", "passwd --stdin")
	v.scan((*scan).htpasswd, "htpasswd")
	v.scan((*scan).minioAlias, "mc alias set", "mc config host add")
	v.scan((*scan).setting, "requirepass", "masterauth", "bindpw", "rootpw", "wpa_passphrase")
	v.scan((*scan).sqlplus, "sqlplus", "sqlldr", "expdp", "impdp")
	v.scan((*scan).netUse, "net use", "net user", "cmdkey")
}

// option looks for a command's option behind its name, on the same line or on
// lines that continue it.
func (s *scan) option(c *command, h hit) {
	t := s.text
	if prev := at(t, h.start-1); isAlnum(prev) || prev == '-' || prev == '.' || prev == '_' {
		return
	}
	if h.start < s.lastCommand[c] {
		return // the last one saw all of this line
	}
	end := commandEnd(t, h.end)
	if s.lastCommand == nil {
		s.lastCommand = make(map[*command]int)
	}
	s.lastCommand[c] = end
	if c.flag == "" {
		s.argument(c, skipBlank(t, h.end), end)
		return
	}
	for i := h.end - 1; i < end; i++ {
		if !isSpace(t[i]) || !strings.HasPrefix(t[i+1:end], c.flag) {
			continue
		}
		p := i + 1 + len(c.flag)
		switch blank := p < end && (isSpace(t[p]) || t[p] == '='); {
		case c.form == glued && (blank || p >= end || t[p] == '-'):
			continue
		case c.form != glued && c.form != apart && !blank && !(c.form == pairing && len(c.flag) == 2):
			continue
		case blank:
			p++
		}
		s.argument(c, skipBlank(t, p), end)
	}
}

// commandEnd is where the command that goes on at i ends.
func commandEnd(t string, i int) int {
	stop := min(len(t), i+600)
	for ; i < stop; i++ {
		switch t[i] {
		case '\n':
			if at(t, i-1) != '\\' && !(at(t, i-1) == '\r' && at(t, i-2) == '\\') && at(t, i-1) != '^' {
				return i
			}
		case '|', ';':
			return i
		}
	}
	return stop
}

// argument replaces the secret part of the argument at p.
func (s *scan) argument(c *command, p, end int) {
	t := s.text
	if p >= end {
		return
	}
	start, stop := p, p
	if isQuote(t[p]) {
		start = p + 1
		j := strings.IndexByte(t[start:end], t[p])
		if j < 0 {
			return
		}
		stop = start + j
	} else {
		for stop < end && !isSpace(t[stop]) && t[stop] != '`' && t[stop] != '"' {
			stop++
		}
	}
	text := t[start:stop]
	if sep := separator(c.form); sep != 0 {
		i := strings.IndexByte(text, sep)
		if i < 0 {
			return
		}
		start += i + 1
		text = strings.Trim(text[i+1:], "'\"")
		if isQuote(at(t, start)) {
			start++
		}
	}
	if c.form == glued {
		text = strings.Trim(text, "'\"")
		if isQuote(at(t, start)) {
			start++
		}
	}
	if text == "" || isBracketed(text) || isStandIn(text) || isReference(text) || text[0] == '-' || text[0] == '$' && isVariable(text) || is(text, setDigit) && c.form == oneOf || len(text) < 2 {
		return
	}
	if c.form == glued && (strings.HasPrefix(text, "rotocol") || strings.HasPrefix(text, "ort") || strings.HasPrefix(text, "assword") || strings.HasPrefix(text, "ath")) {
		return
	}
	s.add(start, start+len(text), password, rankStructural)
}

func separator(f form) byte {
	switch f {
	case pairing:
		return ':'
	case percent:
		return '%'
	}
	return 0
}
