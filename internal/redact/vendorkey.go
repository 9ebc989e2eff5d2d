package redact

// plainKeys are words before "key" where the key opens nothing.
var plainKeys = set("var let const func def type struct rsa dsa ecdsa ed25519 gpg subkey from with using use under into at via as and or is was ssh deploy signing ssl tls primary cache foreign public object s3 partition sort row map dict hash idempotency index lookup etag content shard sharding dedupe dedup unique message routing group range registry lock query publishable site project locale i18n translation cursor composite surrogate natural candidate " +
	"redis storage bucket file blob tree node cluster host known hostkey gpg pgp fingerprint pub feature flag config setting json yaml dictionary property object redis kafka event span trace test sample dummy example arrow enter return escape shift ctrl control alt meta function page home end delete tab space hot short shortcut modifier widget react list item the a this that each every any its by per no of to for same new old first last next previous order sync state store data build commit git sha digest checksum version artifact layer image manifest dependency lockfile integrity turbo nx memo memoization request response block document doc record entity table column field id")

// vendorKey tells whether the name at start, a plain "key", is that of some
// vendor: a word stands before it, and none of those that have other keys.
func vendorKey(name string) bool {
	var buf [maxName]byte
	end := len(name)
	if end < 5 || !equalFold(name[end-3:], "key") {
		return false
	}
	joint := name[end-4]
	if joint != ' ' && joint != '_' && joint != '-' && !isLower(joint) {
		return false
	}
	head := name[:end-3]
	for head != "" && !isAlnum(head[len(head)-1]) {
		head = head[:len(head)-1]
	}
	i := len(head)
	for i > 0 && isAlnum(head[i-1]) && (i == len(head) || !(isLower(head[i-1]) && isUpper(head[i]))) {
		i--
	}
	word := string(lowered(buf[:0], head[i:]))
	return len(word) > 2 && !plainKeys[word]
}

// otherKey replaces what stands behind "deepgram key:" and the like, or behind
// "key" in an object whose name tells. Only a value that is random will do.
func (s *scan) otherKey(sl slot) {
	name := s.text[sl.start:sl.end]
	if !vendorKey(name) && !(equalFold(name, "key") && s.keyFor(&sl)) {
		return
	}
	sl.kind = kindAPIKey
	p, ok := s.operator(&sl)
	if !ok || sl.op == opCompare || sl.op == opCall || sl.op == opElement {
		return
	}
	v, ok := s.read(&sl, p)
	if !ok || v.open || v.indented {
		return
	}
	if text := s.text[v.start:v.end]; isRandom(text) && !(is(text, setHex) && measure(text).upper > 0) && !s.speaks(sl, v, text) {
		s.add(v.start, v.end, apiKey, rankKeyed)
	}
}

// keyFor tells "key for x = …", or a key in an object whose name tells.
func (s *scan) keyFor(sl *slot) bool {
	rest := s.text[sl.end:min(len(s.text), sl.end+5)]
	return hasPrefixFold(rest, " for ") || s.underParent(sl.start)
}

// appID replaces the key of an address that calls it appid, as weather services
// do.
func (s *scan) appID(h hit) {
	t := s.text
	if before := at(t, h.start-1); before != '?' && before != '&' {
		return
	}
	if end := run(t, h.end, setHexLow, 65); end-h.end == 32 && !isAlnum(at(t, end)) {
		s.add(h.end, end, apiKey, rankStructural)
	}
}

// composer replaces the tokens of an auth.json of PHP's Composer.
func (s *scan) composer(h hit) {
	t := s.text
	stop := min(len(t), h.end+400)
	for i := h.end; i < stop && t[i] != '}'; i++ {
		if t[i] != ':' {
			continue
		}
		if start, end := s.literal(skipBlank(t, i+1)); end-start >= 20 && isRandom(t[start:end]) {
			s.accept(start, end, bearerToken)
		}
	}
}
