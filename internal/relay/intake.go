package relay

import (
	"strings"

	"agentbridge"
	"agentbridge/internal/redact"
)

// intake is what happens to everything that agents say before it is stored, be
// it text, metadata or a name: what nobody should obey is taken out of it, and
// placeholders take the place of secrets.
type intake struct{ redactor *redact.Redactor }

// changes is what an intake did to something that was said.
type changes struct {
	sanitized int          // characters taken out or replaced
	redacted  redact.Found // secrets, by placeholder
}

func (c *changes) found(more redact.Found) {
	if len(more) > 0 && c.redacted == nil {
		c.redacted = redact.Found{}
	}
	for kind, n := range more {
		c.redacted[kind] += n
	}
}

// text takes in a text that is no JSON to anybody, such as a file's name.
func (in intake) text(s string, c *changes) string {
	s, removed := agentbridge.Clean(s)
	c.sanitized += removed
	s, found := in.redactor.Text(s)
	c.found(found)
	return s
}

// json takes in a decoded JSON value, string by string.
func (in intake) json(v any, c *changes) any {
	v, removed := agentbridge.CleanJSON(v)
	c.sanitized += removed
	v, found := in.redactor.JSON(v)
	c.found(found)
	return v
}

// body takes in what is sent to a channel. JSON is looked at value by value and
// stays JSON; one in which nothing is found stays as it was written.
func (in intake) body(b agentbridge.Body, c *changes) (agentbridge.Body, error) {
	b, removed, err := b.Clean()
	c.sanitized += removed
	if err != nil {
		return b, err
	}
	v, ok := decoded(b.Content())
	if !ok {
		text, found := in.redactor.Text(b.Content())
		if found == nil {
			return b, nil
		}
		c.found(found)
		return b.WithText(text)
	}
	w, found := in.redactor.JSON(v)
	if found == nil {
		return b, nil
	}
	c.found(found)
	if b.Encoding() == agentbridge.Structured {
		if err := labelled(v, w); err != nil {
			return b, err
		}
	}
	return b.WithJSON(w)
}

// draft takes in what is said on a channel, and refuses names that are secrets.
func (in intake) draft(d agentbridge.Draft, c *changes) (agentbridge.Body, error) {
	for _, l := range []struct{ field, value string }{
		{"channel", string(d.Channel)}, {"sender", string(d.Sender)}, {"idempotency_key", d.Key}, // that of an envelope is one of its labels
	} {
		if err := in.label(l.field, l.value); err != nil {
			return agentbridge.Body{}, err
		}
	}
	return in.body(d.Body, c)
}

// labels are the fields of an envelope by which agents find messages and each
// other. With a placeholder in its place two of them could become one.
var labels = []string{"type", "thread_id", "reply_to", "correlation_id", "causation_id", "recipient", "dedupe_key", "created_at"}

// labelled refuses an envelope of whose labels one holds a secret.
func labelled(before, after any) error {
	b, _ := before.(map[string]any)
	a, _ := after.(map[string]any)
	for _, field := range labels {
		if was, is := b[field], a[field]; was != nil && was != is {
			return secretLabel(field)
		}
	}
	return nil
}

func secretLabel(field string) error {
	return agentbridge.Refuse(agentbridge.InvalidValue, field,
		"looks like a secret, and would be stored and shown; choose a value that is none")
}

// label refuses a name, a key or an id that holds a secret.
func (in intake) label(field, s string) error {
	if _, found := in.redactor.Text(s); found != nil {
		return secretLabel(field)
	}
	return nil
}

// decoded reads text that is a JSON object or list.
func decoded(text string) (any, bool) {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	if trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
		return nil, false
	}
	v, err := agentbridge.DecodeJSON("content", []byte(text))
	return v, err == nil
}

// say takes in the text of a conversation, which may be JSON too.
func (in intake) say(text string, c *changes) string {
	v, ok := decoded(text)
	if !ok {
		clean, removed := agentbridge.Clean(text)
		c.sanitized += removed
		if v, ok = decoded(clean); !ok || removed == 0 { // else what was in the way of JSON is gone
			return in.text(clean, c)
		}
		text = clean
	}
	var own changes
	v = in.json(v, &own)
	if own.sanitized == 0 && own.redacted == nil {
		return text
	}
	c.sanitized += own.sanitized
	c.found(own.redacted)
	return string(agentbridge.CanonicalJSON(v))
}

// files takes in names of files. A nil list stays one.
func (in intake) files(names []string, c *changes) []string {
	var out []string
	for _, name := range names {
		out = append(out, in.text(name, c))
	}
	return out
}

// metadata takes in what is kept with a cursor.
func (in intake) metadata(field string, m agentbridge.Metadata) (agentbridge.Metadata, error) {
	if len(m) == 0 {
		return m, nil
	}
	v, err := agentbridge.DecodeJSON(field, m)
	if err != nil {
		return nil, err
	}
	var c changes
	object, _ := in.json(v, &c).(map[string]any)
	if c.sanitized == 0 && c.redacted == nil {
		return m, nil
	}
	return agentbridge.ParseMetadata(field, object)
}
