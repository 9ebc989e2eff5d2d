package agentbridge

import "strings"

// Clean is the body with everything taken out of it that the function Clean
// takes out of a text. In JSON that holds for each string and key, as they read
// once their escapes are undone; what had to be cleaned is written anew, in
// canonical form, and what had not stays as it was, byte for byte. A body of
// which nothing is left is refused, and so is an envelope that is none any
// more. The idempotency key stays the one that was given.
func (b Body) Clean() (clean Body, removed int, err error) {
	content, removed := Clean(b.content)
	isJSON := b.encoding != LegacyText
	if removed == 0 && !(isJSON && strings.IndexByte(b.content, '\\') >= 0) {
		return b, 0, nil
	}
	if isJSON {
		if v, err := DecodeJSON("content", []byte(b.content)); err == nil {
			return b.cleanJSON(v)
		}
	}
	switch {
	case removed == 0:
		return b, 0, nil
	case content == "":
		return Body{}, removed, Refuse(Required, "content", "must hold more than control and invisible characters")
	}
	if clean = b.with(content); isJSON || clean.encoding == LegacyText {
		return clean, removed, nil
	}
	clean, more, err := clean.Clean() // what was in the way of JSON is gone
	return clean, removed + more, err
}

// cleanJSON is Clean for content that has been decoded.
func (b Body) cleanJSON(v any) (Body, int, error) {
	v, removed := CleanJSON(v)
	if removed == 0 {
		return b, 0, nil
	}
	b, err := b.WithJSON(v)
	return b, removed, err
}

// WithJSON is the body with another value, in canonical form. A body that was
// an envelope is refused if it is none any more.
func (b Body) WithJSON(v any) (Body, error) {
	if b.encoding == Structured {
		object, _ := v.(map[string]any)
		e, err := readEnvelope(object)
		if err != nil {
			return Body{}, err
		}
		v = e.out
	}
	return b.WithText(string(CanonicalJSON(v)))
}

// WithText is the body with other content. The idempotency key stays.
func (b Body) WithText(content string) (Body, error) {
	if len(content) > MaxContent {
		return Body{}, Refuse(TooLarge, "content", "must be at most %d UTF-8 bytes, also with placeholders for what is not stored", MaxContent)
	}
	return b.with(content), nil
}

// with is the body with other content, which may be of another encoding then.
func (b Body) with(content string) Body {
	encoding, _ := classify(content)
	return Body{content: content, encoding: encoding, dedupeKey: b.dedupeKey}
}
