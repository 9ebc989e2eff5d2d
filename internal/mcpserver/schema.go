package mcpserver

import (
	"encoding/json"
	"fmt"
	"strings"
)

// property is one line of a schema.
type property struct {
	name, schema string
	required     bool
}

// need and may make properties of an input schema.
func need(name, schema string) property { return property{name, schema, true} }
func may(name, schema string) property  { return property{name, schema, false} }

// input makes a flat object schema that refuses other arguments.
func input(properties ...property) json.RawMessage {
	return objectSchema(properties, `,"additionalProperties":false`)
}

// output makes a schema of an answer. Fields may be added to answers later.
func output(properties ...property) json.RawMessage { return objectSchema(properties, "") }

func objectSchema(properties []property, rest string) json.RawMessage {
	var fields, required []string
	for _, p := range properties {
		fields = append(fields, fmt.Sprintf("%q:%s", p.name, p.schema))
		if p.required {
			required = append(required, fmt.Sprintf("%q", p.name))
		}
	}
	s := `{"type":"object","properties":{` + strings.Join(fields, ",") + `}`
	if len(required) > 0 {
		s += `,"required":[` + strings.Join(required, ",") + `]`
	}
	return json.RawMessage(s + rest + `}`)
}

// Types that many schemas share.
const (
	anyText    = `{"type":"string"}`
	anyNumber  = `{"type":"integer"}`
	anyBool    = `{"type":"boolean"}`
	anyObject  = `{"type":"object"}`
	textOrNull = `{"type":["string","null"]}`
	objects    = `{"type":"array","items":{"type":"object"}}`
)

func text(low, high int) string {
	return fmt.Sprintf(`{"type":"string","minLength":%d,"maxLength":%d}`, low, high)
}

func describe(schema, description string) string {
	return fmt.Sprintf(`%s,"description":%q}`, strings.TrimSuffix(schema, "}"), description)
}

func oneOf(values ...string) string {
	return `{"type":"string","enum":["` + strings.Join(values, `","`) + `"]}`
}
