package agentbridge

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of a protocol-v1 envelope (reference B, protocol.py).
const (
	MaxType         = 64      // code points
	MaxContentDepth = 16      // levels below content itself
	MaxArtifacts    = 32      // references per message
	MaxURI          = 4 << 10 // code points
)

// maxWarning bounds what is said about an envelope that can't be read, in code
// points.
const maxWarning = 200

var (
	typeForm   = regexp.MustCompile(`^[a-z][a-z0-9._-]*$`)
	sha256Form = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
)

// envelopeFields are all the fields an envelope may have, and the order in
// which they are checked.
var envelopeFields = []struct {
	name  string
	check func(e *envelope, field string, v any) error
}{
	{"type", (*envelope).kind},
	{"content", (*envelope).content},
	{"thread_id", (*envelope).identity},
	{"reply_to", (*envelope).identity},
	{"correlation_id", (*envelope).identity},
	{"causation_id", (*envelope).identity},
	{"recipient", (*envelope).identity},
	{"dedupe_key", (*envelope).identity},
	{"created_at", (*envelope).time},
	{"artifacts", (*envelope).artifacts},
	{"metadata", (*envelope).object},
	{"extensions", (*envelope).object},
}

// envelope is one that has been read. If warning is not empty it could not be,
// and canonical is nil.
type envelope struct {
	out       map[string]any
	canonical json.RawMessage
	warning   string
}

// ParseEnvelope checks a decoded protocol-v1 envelope and returns it as a body
// in canonical JSON: sorted keys, no spaces, empty metadata left out. Optional
// fields may be null.
func ParseEnvelope(object map[string]any) (Body, error) {
	e, err := readEnvelope(object)
	if err != nil {
		return Body{}, err
	}
	if len(e.canonical) > MaxContent {
		return Body{}, Refuse(TooLarge, "message", "must be at most %d UTF-8 bytes as a whole", MaxContent)
	}
	key, _ := e.out["dedupe_key"].(string)
	return Body{content: string(e.canonical), encoding: Structured, dedupeKey: key}, nil
}

func readEnvelope(object map[string]any) (envelope, error) {
	e := envelope{out: map[string]any{}}
	if err := e.version(object["schema_version"]); err != nil {
		return e, err
	}
	if err := complete(object); err != nil {
		return e, err
	}
	for _, f := range envelopeFields {
		v := object[f.name]
		if v == nil && f.name != "type" && f.name != "content" {
			continue
		}
		if err := f.check(&e, f.name, v); err != nil {
			return e, err
		}
	}
	if err := e.unknown(object); err != nil {
		return e, err
	}
	e.canonical = CanonicalJSON(e.out)
	return e, nil
}

// complete refuses an envelope that lacks what each one has.
func complete(object map[string]any) error {
	var missing []string
	for _, name := range []string{"content", "type"} {
		if _, ok := object[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return Refuse(Required, "message", "missing field(s): %s", strings.Join(missing, ", "))
	}
	return nil
}

func (e *envelope) version(v any) error {
	switch n, isNumber := v.(json.Number); {
	case v == nil:
		return Refuse(Required, "schema_version", "is required and must be 1")
	case !isNumber || strings.ContainsAny(n.String(), ".eE"): // 1.0 is another type, not another version
		return Refuse(InvalidType, "schema_version", "must be the integer 1")
	case n.String() != "1":
		return Refuse(InvalidProtocol, "message", "unsupported message schema_version: %s", Preview(n.String(), 20))
	}
	e.out["schema_version"] = 1
	return nil
}

func (e *envelope) unknown(object map[string]any) error {
	var names []string
	for name := range object {
		known := slices.ContainsFunc(envelopeFields, func(f struct {
			name  string
			check func(*envelope, string, any) error
		}) bool {
			return f.name == name
		})
		if !known && name != "schema_version" {
			names = append(names, InertLine(Preview(name, 40)))
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	if len(names) > 5 {
		names = append(names[:5], "…")
	}
	return Refuse(UnknownField, "message", "unknown field(s): %s", strings.Join(names, ", "))
}

func (e *envelope) kind(field string, v any) error {
	s, ok := v.(string)
	switch {
	case !ok:
		return Refuse(InvalidType, field, "must be a string")
	case s == "":
		return Refuse(Required, field, "must not be empty")
	case len(s) > MaxType:
		return Refuse(TooLong, field, "must be at most %d characters", MaxType)
	case !typeForm.MatchString(s):
		return Refuse(InvalidFormat, field, "must be lower-case letters, digits, '.', '_' and '-', beginning with a letter")
	}
	e.out[field] = s
	return nil
}

func (e *envelope) content(field string, v any) error {
	if deeper(v, MaxContentDepth) {
		return Refuse(TooDeep, field, "must not nest deeper than %d levels", MaxContentDepth)
	}
	if len(CanonicalJSON(v)) > MaxContent {
		return Refuse(TooLarge, field, "must be at most %d UTF-8 bytes", MaxContent)
	}
	e.out[field] = v
	return nil
}

// deeper tells whether a node of v lies more than levels below it.
func deeper(v any, levels int) bool {
	if levels < 0 {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			if deeper(child, levels-1) {
				return true
			}
		}
	case []any:
		for _, child := range v {
			if deeper(child, levels-1) {
				return true
			}
		}
	}
	return false
}

func (e *envelope) identity(field string, v any) error {
	s, ok := v.(string)
	if !ok {
		return Refuse(InvalidType, field, "must be a string")
	}
	e.out[field] = s
	return checkIdentity(field, s, MaxIdentity)
}

func (e *envelope) time(field string, v any) error {
	s, ok := v.(string)
	if !ok {
		return Refuse(InvalidType, field, "must be a string")
	}
	if !isTime(s, "Z07:00", "Z0700", "Z07") {
		if isTime(s, "") {
			return Refuse(TimezoneRequired, field, "must carry a time zone, for example 2026-07-28T12:00:00Z")
		}
		return Refuse(InvalidFormat, field, "must be an RFC 3339 time, for example 2026-07-28T12:00:00Z")
	}
	e.out[field] = s // verbatim: it is the sender's claim, not our order
	return nil
}

// isTime tells whether s is a time in one of the forms of ISO 8601 that reference
// B takes, with one of the given zones.
func isTime(s string, zones ...string) bool {
	for _, layout := range []string{
		"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15", "2006-01-02",
		"20060102T150405", "20060102T1504",
	} {
		for _, zone := range zones {
			at, err := time.Parse(layout+zone, s)
			if _, offset := at.Zone(); err == nil && at.Year() > 0 && max(offset, -offset) < 24*60*60 {
				return true
			}
		}
	}
	return false
}

func (e *envelope) object(field string, v any) error {
	object, ok := v.(map[string]any)
	if !ok {
		return Refuse(InvalidType, field, "must be an object")
	}
	if _, err := ParseMetadata(field, object); err != nil {
		return err
	}
	if len(object) > 0 {
		e.out[field] = object
	}
	return nil
}

func (e *envelope) artifacts(field string, v any) error {
	list, ok := v.([]any)
	if !ok {
		return Refuse(InvalidType, field, "must be an array")
	}
	if len(list) > MaxArtifacts {
		return Refuse(TooMany, field, "must hold at most %d artifacts", MaxArtifacts)
	}
	var out []any
	for i, item := range list {
		a, err := readArtifact(field, item)
		if refusal, ok := errors.AsType[*Error](err); ok && len(list) > 1 {
			refusal.Message += " (artifact " + strconv.Itoa(i+1) + ")"
		}
		if err != nil {
			return err
		}
		out = append(out, a)
	}
	if len(out) > 0 {
		e.out[field] = out
	}
	return nil
}

// readArtifact checks one reference to something outside the bridge. The
// bridge carries the reference only; it never fetches.
func readArtifact(at string, v any) (map[string]any, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, Refuse(InvalidType, at, "must be an object")
	}
	out := map[string]any{}
	if _, ok := object["uri"]; !ok {
		return nil, Refuse(Required, at+".uri", "is required")
	}
	for name, v := range object {
		if v == nil && name != "uri" {
			continue
		}
		checked, err := artifactField(at+"."+name, name, v)
		if err != nil {
			return nil, err
		}
		out[name] = checked
	}
	return out, nil
}

func artifactField(at, name string, v any) (any, error) {
	s, isString := v.(string)
	switch name {
	case "uri":
		if !isString {
			return nil, Refuse(InvalidType, at, "must be a string")
		}
		return s, checkIdentity(at, s, MaxURI)
	case "name", "media_type":
		if !isString {
			return nil, Refuse(InvalidType, at, "must be a string")
		}
		if s == "" {
			return nil, Refuse(InvalidValue, at, "must not be empty")
		}
		return s, nil
	case "sha256":
		if !isString {
			return nil, Refuse(InvalidType, at, "must be a string")
		}
		if !sha256Form.MatchString(s) {
			return nil, Refuse(InvalidFormat, at, "must be 64 hex digits")
		}
		return strings.ToLower(s), nil
	case "size_bytes":
		n, isNumber := v.(json.Number)
		if !isNumber {
			return nil, Refuse(InvalidType, at, "must be an integer")
		}
		if size, err := n.Int64(); err != nil || size < 0 {
			return nil, Refuse(OutOfRange, at, "must be an integer of at least 0")
		}
		return n, nil
	case "metadata":
		object, ok := v.(map[string]any)
		if !ok {
			return nil, Refuse(InvalidType, at, "must be an object")
		}
		_, err := ParseMetadata(at, object)
		return object, err
	}
	return nil, Refuse(UnknownField, at[:len(at)-len(name)-1], "unknown field(s): %s", InertLine(Preview(name, 40)))
}

// classify says what stored content is. It never refuses: whatever was stored
// can be listed.
func classify(content string) (Encoding, envelope) {
	trimmed := strings.TrimLeft(content, " \t\r\n")
	if trimmed == "" || !strings.ContainsRune(`{["-0123456789tfn`, rune(trimmed[0])) {
		return LegacyText, envelope{}
	}
	v, err := DecodeJSON("content", []byte(content))
	switch CodeOf(err) {
	case "":
	case TooDeep, InvalidUTF8:
		return LegacyText, envelope{}
	default: // a duplicate key or a giant number: JSON, though nothing we would interpret
		if json.Valid([]byte(content)) {
			return LegacyJSON, envelope{}
		}
		return LegacyText, envelope{}
	}
	object, _ := v.(map[string]any)
	for _, name := range []string{"schema_version", "type", "content"} {
		if _, ok := object[name]; !ok {
			return LegacyJSON, envelope{}
		}
	}
	e, err := readEnvelope(object)
	switch {
	case err == nil:
		return Structured, e
	case CodeOf(err) == InvalidProtocol:
		return Unsupported, envelope{warning: err.Error()}
	}
	return Invalid, envelope{warning: Preview(err.Error(), maxWarning)}
}
