package redact

// vocabulary gathers the keywords of all scanners and what each sets off.
type vocabulary struct {
	keywords []string
	actions  []action
	index    map[string]int
	patterns []Pattern
}

func newVocabulary() *vocabulary {
	return &vocabulary{index: map[string]int{}}
}

// on returns the action of a keyword, which must be lower case.
func (v *vocabulary) on(keyword string) *action {
	i, ok := v.index[keyword]
	if !ok {
		i = len(v.keywords)
		v.index[keyword] = i
		v.keywords = append(v.keywords, keyword)
		v.actions = append(v.actions, action{})
	}
	return &v.actions[i]
}

// scan sets a scanner off at each of the keywords.
func (v *vocabulary) scan(f func(*scan, hit), keywords ...string) {
	for _, k := range keywords {
		a := v.on(k)
		a.scanners = append(a.scanners, f)
	}
}

// addBuiltin adds all scanners of this package.
func (v *vocabulary) addBuiltin() {
	v.addPrefixes()
	v.scan((*scan).keyed, keyWords...)
	v.scan((*scan).jwt, "eyj")
	v.scan((*scan).userinfo, "://", `:\/\/`)
	v.scan((*scan).dsn, "@tcp(", "@unix(")
	v.scan((*scan).oracle, "thin:")
	v.scan((*scan).authorization, "authorization")
	v.scan((*scan).scheme, "bearer", "basic", "digest")
	v.scan((*scan).cookie, "cookie")
	v.scan((*scan).signature, "sig=", "signature=", "security-token=")
	v.scan((*scan).bot, ":aa")
	v.scan((*scan).kubernetesData, "data:")
	v.scan((*scan).password5, ":5432:", "*:*:", ":3306:", ":6432:", ":5433:")
	v.scan((*scan).sql, "identified", "with password", "encrypted password")
	v.scan((*scan).sessionToken, "token", "session")
	v.addKeys()
	v.addMarks()
	v.addCommands()
	v.addLogins()
	v.addMore()
	v.addCalls()
	v.addPlaces()
}

// addPlaces adds scanners for values that stand apart from their names.
func (v *vocabulary) addPlaces() {
	v.scan((*scan).column, "password", "passwd", "secret", "token", "key", "pwd", "passphrase")
	v.scan((*scan).settingRow, "set value", "set val ", "set setting_value", "set option_value", "set config_value", "set content")
	v.scan((*scan).multipart, "form-data; name=\"")
	v.scan((*scan).foreign, foreignWords...)
	v.scan((*scan).wireless, "ssid", "wifi", "wi-fi", "wlan")
	v.scan((*scan).appID, "appid=", "app_id=")
	v.scan((*scan).composer, `"github-oauth"`, `"gitlab-oauth"`, `"gitlab-token"`)
	v.scan((*scan).slashPair, "zugangsdaten", "anmeldedaten", "identifiants", "credenciales", "credenciais", "credenziali", "acceso", "accesso", "acesso")
}
