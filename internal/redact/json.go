package redact

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// field accepts all of the text if it can be a secret under that name.
func (s *scan) field(name string) {
	low := strings.ToLower(name)
	switch {
	case strings.HasSuffix(low, "authorization"):
		s.credentials(0)
		return
	case low == "cookie" || low == "set-cookie":
		s.cookies(0)
		return
	}
	kd := classify(name)
	if kd == noSecret {
		kd = classify(strings.TrimSuffix(name, "s"))
	}
	if kd == noSecret || !s.fieldValue(name, kd) {
		return
	}
	placeholder := kd.placeholder()
	if kd == kindToken && len(s.text) == 64 && is(s.text, setHexLow) {
		placeholder = agentbridgeToken
	}
	s.add(0, len(s.text), placeholder, rankKeyed)
}

func (s *scan) fieldValue(name string, kd kind) bool {
	t := s.text
	k := measure(t)
	if isStandIn(t) || isReference(t) || isPlaceholder(t) || strings.TrimSpace(t) == "" || sameWords(t, name) || kd == kindWeak && isUUID(t) && containsFold(name, "session") {
		return false
	}
	switch kd {
	case kindPassword, kindPrivateKey:
		return !isSentence(t) && !isLabel(t)
	case kindWeak, kindPass:
		return k.space == 0 && k.digit > 0 && k.letters() > 0 && len(t) >= 4 && !isTechnical(t) && !isPath(t) && !isURL(t)
	case kindToken:
		return k.space == 0 && !isURL(t) && !isPath(t) && !isTechnical(t) && !isLabel(t) && (!k.words() || len(t) >= 12 || len(t) == 1) && (k.letters() > 0 || len(t) >= 8)
	}
	return k.space == 0 && !isURL(t) && !isPath(t) && !isLabel(t) && !isTechnical(t)
}

// JSON redacts every string of a decoded JSON value (map[string]any, []any,
// string, json.Number, bool, nil), names included. It returns v itself if
// nothing was found, else a copy. A number under the name of a password becomes
// a placeholder too.
func (r *Redactor) JSON(v any) (any, Found) {
	w := walker{r: r}
	out, _ := w.value("", v)
	return out, w.found
}

type walker struct {
	r     *Redactor
	found Found
}

func (w *walker) count(f Found) {
	if w.found == nil {
		w.found = make(Found)
	}
	for kind, n := range f {
		w.found[kind] += n
	}
}

// value returns v as it may be shown under a name, and whether it changed.
func (w *walker) value(name string, v any) (any, bool) {
	switch v := v.(type) {
	case string:
		s, found := w.r.Field(name, v)
		if found == nil {
			return v, false
		}
		w.count(found)
		return s, true
	case json.Number:
		return w.number(name, v, string(v))
	case float64:
		return w.number(name, v, strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		return w.list(name, v)
	case map[string]any:
		return w.object(name, v)
	}
	return v, false
}

func (w *walker) number(name string, v any, digits string) (any, bool) {
	if len(digits) < 4 || classify(name) != kindPassword {
		return v, false
	}
	return w.value(name, digits)
}

func (w *walker) list(name string, list []any) (any, bool) {
	var out []any
	for i, v := range list {
		under := name
		if i > 0 {
			under = optionName(list[i-1], name)
		}
		if next, changed := w.value(under, v); changed {
			if out == nil {
				out = slices.Clone(list)
			}
			out[i] = next
		}
	}
	if out == nil {
		return list, false
	}
	return out, true
}

// object redacts names and values. Two names that become one are numbered, so
// that no value is lost.
func (w *walker) object(outer string, m map[string]any) (any, bool) {
	var out map[string]any
	for _, name := range slices.Sorted(maps.Keys(m)) {
		key, found := w.r.Text(name)
		next, changed := w.value(innerName(outer, name, m), m[name])
		if found == nil && !changed {
			continue
		}
		if out == nil {
			out = maps.Clone(m)
		}
		if found != nil {
			w.count(found)
			delete(out, name)
			key = free(out, m, key)
		}
		out[key] = next
	}
	if out == nil {
		return m, false
	}
	return out, true
}

// innerName is the name a value stands under: if its own says nothing, the one
// that stands beside it, as in the lists of settings of many programs, or else
// that of the object. The private members of a JSON Web Key (RFC 7518, §6) have
// names of one or two letters.
func innerName(outer, name string, m map[string]any) string {
	switch name {
	case "value", "Value", "default", "data", "raw", "stringValue":
		for _, beside := range []string{"name", "Name", "key", "Key", "field", "header", "variable"} {
			if s, ok := m[beside].(string); ok && s != "" {
				return s
			}
		}
		if outer != "" {
			return outer
		}
	case "key", "Key":
		if value, ok := m[name].(string); ok && isTelling(outer) && isRandom(value) {
			return "api_key" // {"Jwt": {"Key": …}}
		}
	case "d", "p", "q", "dp", "dq", "qi", "k":
		if _, ok := m["kty"].(string); ok {
			return "private_key"
		}
	}
	return name
}

// optionName is the name of a program's argument that follows an option, as
// --token. Other values of a list stand under the list's name.
func optionName(before any, name string) string {
	if s, ok := before.(string); ok && strings.HasPrefix(s, "-") && !strings.Contains(s, "=") {
		return strings.TrimLeft(s, "-")
	}
	return name
}

// free returns key, numbered if a name in use is the same.
func free(out, m map[string]any, key string) string {
	for n := 2; ; n++ {
		_, taken := out[key]
		_, old := m[key]
		if !taken && !old {
			return key
		}
		base, _, _ := strings.Cut(key, " ")
		key = base + " " + strconv.Itoa(n)
	}
}
