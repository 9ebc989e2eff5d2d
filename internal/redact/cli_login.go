package redact

import "strings"

// logins are commands that take a token as a plain argument or under a short
// option. What they are given must look like one: they take other words too.
var logins = []struct{ name, flag string }{
	{"wandb login", ""}, {"shodan init", ""}, {"snyk auth", ""}, {"cargo login", ""}, {"ngrok authtoken", ""}, {"add-authtoken", ""}, {"cachix authtoken", ""},
	{"codecov", "-t"}, {"doctl auth init", "-t"}, {"gh secret set", "--body"}, {"gh secret set", "-b"}, {"glab auth login", "-t"}, {"railway login", ""}, {"render login", ""}, {"modal token set", "--token-secret"},
	{"ssm put-parameter", "--value"}, {"secretsmanager", "--secret-string"}, {"keyvault secret set", "--value"}, {"nuget push", "-k"}, {"nuget setapikey", ""}, {"pypi-token.", ""}, {"github-oauth.github.com", ""},
	{"huggingface-cli login", "--token"}, {"hf auth login", "--token"}, {"infracost configure set api_key", ""}, {"vault write", "-"}, {"fly tokens", ""}, {"turso auth", ""}, {"supabase login", ""}, {"sentry-cli login", ""}, {"travis login", "-g"}, {"jenkins-cli", "-auth"},
	{"tailscale up", "--authkey"}, {"cloudflared tunnel run", "--token"}, {"k3s agent", "-t"}, {"circleci setup", "--token"}, {"pulumi login", ""}, {"openai api_key", ""}, {"apify login", "-t"}, {"netlify login", ""}, {"vercel", "-t"}, {"surge", "--token"}, {"firebase deploy", "--token"},
}

// passwordOptions are commands whose options hold passwords of any look.
var passwordOptions = []command{
	{"hydra", "-p", oneOf}, {"medusa", "-p", oneOf}, {"netexec", "-p", oneOf}, {"nxc", "-p", oneOf}, {"smbmap", "-p", oneOf}, {"plink", "-pw", oneOf}, {"pscp", "-pw", oneOf}, {"psftp", "-pw", oneOf},
	{"steghide", "-p", oneOf}, {"ldappasswd", "-s", oneOf}, {"ldappasswd", "-w", oneOf}, {"openssl enc", "-k", oneOf}, {"openssl enc", "-pass", oneOf}, {"add-generic-password", "-w", oneOf}, {"add-internet-password", "-w", oneOf}, {"unlock-keychain", "-p", oneOf}, {"create-keychain", "-p", oneOf},
	{"certutil", "-p", oneOf}, {"signtool", "/p", oneOf}, {"bcrypt-cli", "-p", oneOf}, {"sqlmap", "--auth-cred", pairing}, {"jenkins-cli", "-auth", pairing}, {"nikto", "-id", pairing}, {"rar a", "-hp", glued}, {"rar a", "-p", glued},
}

// addLogins adds the commands above.
func (v *vocabulary) addLogins() {
	for i := range logins {
		l := &logins[i]
		v.scan(func(s *scan, h hit) { s.login(l.flag, h) }, l.name)
	}
	for i := range passwordOptions {
		c := &passwordOptions[i]
		v.scan(func(s *scan, h hit) { s.option(c, h) }, c.name)
	}
	v.scan((*scan).impacket, "impacket-", "psexec.py", "wmiexec.py", "smbexec.py", "secretsdump", "getuserspns", "getnpusers", "smbclient.py", "atexec.py", "dcomexec.py", "mssqlclient.py")
	v.scan((*scan).passwdHere, "passwd ")
	v.scan((*scan).wallets, "accounts: [", `accounts": [`, "accounts = [")
}

// login replaces the arguments of a command that look like a token or a UUID.
func (s *scan) login(flag string, h hit) {
	t := s.text
	if c := at(t, h.start-1); isAlnum(c) && h.start > 0 {
		return
	}
	end := commandEnd(t, h.end)
	for p := skipBlank(t, h.end); p < end; {
		stop := p
		for stop < end && !isSpace(t[stop]) {
			stop++
		}
		s.loginWord(flag, h.end, p, stop)
		p = skipBlank(t, max(stop, p+1))
	}
}

// loginWord replaces one word of a command if it stands behind the option, or,
// where there is none, if it is the first.
func (s *scan) loginWord(flag string, from, start, end int) {
	t := s.text
	before := strings.TrimRight(t[from:start], " \t")
	if flag != "" && !strings.HasSuffix(before, flag) {
		if !strings.HasPrefix(t[start:end], flag+"=") {
			return
		}
		start += len(flag) + 1
	}
	if flag == "" && before != "" && !strings.HasPrefix(before, "-") {
		return
	}
	word := strings.Trim(t[start:end], "\"'`")
	start += strings.Index(t[start:end], word)
	if isRandom(word) || isUUID(word) || flag != "" && looksChosen(word) && len(word) >= 8 && (flag != "--value" || strings.Contains(t[from:start], "SecureString")) {
		s.accept(start, start+len(word), bearerToken)
	}
}

// impacket replaces the password of DOMAIN/user:SECRET@host.
func (s *scan) impacket(h hit) {
	t := s.text
	end := commandEnd(t, h.end)
	for i := h.end; i < end; i++ {
		if t[i] != ':' || isSpace(at(t, i+1)) || !isAlnum(at(t, i-1)) {
			continue
		}
		word := i
		for word > h.end && !isSpace(t[word-1]) {
			word--
		}
		stop := i
		for stop < end && !isSpace(t[stop]) {
			stop++
		}
		if j := strings.LastIndexByte(t[i:stop], '@'); j > 0 {
			stop = i + j
		} else if !strings.Contains(t[word:i], "/") {
			return
		}
		if text := strings.TrimRight(t[i+1:stop], "'\""); !strings.HasPrefix(text, "//") && !is(text, setDigit) {
			s.accept(i+1, i+1+len(text), password)
		}
		return
	}
}

// passwdHere replaces what a here-string gives to passwd.
func (s *scan) passwdHere(h hit) {
	line := s.text[h.end:lineEnd(s.text, h.end, 60)]
	i := strings.Index(line, "<<<")
	if i < 0 || len(strings.Fields(line[:i])) > 2 {
		return
	}
	p := skipBlank(s.text, h.end+i+3)
	s.echoed(p, lineEnd(s.text, p, 200))
}

// wallets replaces the private keys in the accounts of a network of Ethereum.
func (s *scan) wallets(h hit) {
	t := s.text
	stop := min(len(t), h.end+400)
	for p := h.end; p < stop && t[p] != ']'; p++ {
		if start, end := s.literal(p); end > 0 {
			if key := strings.TrimPrefix(t[start:end], "0x"); len(key) == 64 && is(key, setHex) {
				s.add(start, end, privateKey, rankKeyed)
			}
			p = end
		}
	}
}
