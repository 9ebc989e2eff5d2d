package mcpserver

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"agentbridge"
)

// arguments reads a call's arguments by name and keeps the first fault, so
// that a tool reads them all and then asks once, with done. A null counts as
// absent: many clients send one for every optional argument.
type arguments struct {
	values map[string]any
	asked  []string
	err    error
}

func parseArguments(raw json.RawMessage) *arguments {
	a := &arguments{}
	if len(raw) == 0 || string(raw) == "null" {
		return a
	}
	v, err := agentbridge.DecodeJSON("arguments", raw)
	if err != nil {
		a.err = err
		return a
	}
	values, ok := v.(map[string]any)
	if !ok {
		a.err = agentbridge.Refuse(agentbridge.InvalidType, "arguments", "must be an object")
	}
	a.values = values
	return a
}

func (a *arguments) get(name string) (v any, present bool) {
	a.asked = append(a.asked, name)
	v = a.values[name]
	return v, v != nil
}

func (a *arguments) fail(code agentbridge.Code, field, message string) {
	a.check(agentbridge.Refuse(code, field, "%s", message))
}

// check keeps an error if it is the first.
func (a *arguments) check(err error) {
	if a.err == nil {
		a.err = err
	}
}

// done returns the first fault, or that there are arguments nobody asked for.
func (a *arguments) done() error {
	if a.err != nil {
		return a.err
	}
	for name := range a.values {
		if !slices.Contains(a.asked, name) {
			return agentbridge.Refuse(agentbridge.UnknownField, agentbridge.InertLine(agentbridge.Preview(name, 40)),
				"is not an argument of this tool; it takes %s", takes(a.asked))
		}
	}
	return nil
}

func takes(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// optional returns a string, "" if it is absent.
func (a *arguments) optional(name string) (s string, present bool) {
	v, present := a.get(name)
	if !present {
		return "", false
	}
	s, ok := v.(string)
	if !ok {
		a.fail(agentbridge.InvalidType, name, "must be a string")
	}
	return s, ok
}

func (a *arguments) required(name string) string {
	s, present := a.optional(name)
	if !present && a.err == nil {
		a.fail(agentbridge.Required, name, "is required")
	}
	return s
}

// integer returns a whole number within bounds.
func (a *arguments) integer(name string, fallback, low, high int) int {
	f := a.number(name, float64(fallback), float64(low), float64(high))
	if f != math.Trunc(f) {
		a.fail(agentbridge.InvalidType, name, "must be a whole number")
	}
	return int(f)
}

// number returns a number within bounds.
func (a *arguments) number(name string, fallback, low, high float64) float64 {
	v, present := a.get(name)
	if !present {
		return fallback
	}
	n, ok := v.(json.Number)
	if !ok {
		a.fail(agentbridge.InvalidType, name, "must be a number")
		return fallback
	}
	f, err := n.Float64()
	if err != nil || f < low || f > high {
		a.check(agentbridge.Refuse(agentbridge.OutOfRange, name, "must be %s to %s", decimal(low), decimal(high)))
		return fallback
	}
	return f
}

// decimal writes a bound without an exponent.
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (a *arguments) object(name string) (object map[string]any, present bool) {
	v, present := a.get(name)
	if !present {
		return nil, false
	}
	object, ok := v.(map[string]any)
	if !ok {
		a.fail(agentbridge.InvalidType, name, "must be an object")
	}
	return object, ok
}

// strings returns a list of strings.
func (a *arguments) strings(name string) []string {
	v, present := a.get(name)
	if !present {
		return nil
	}
	items, ok := v.([]any)
	if !ok {
		a.fail(agentbridge.InvalidType, name, "must be an array of strings")
		return nil
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			a.fail(agentbridge.InvalidType, name, "must be an array of strings")
			return nil
		}
		list = append(list, s)
	}
	return list
}

// parsed keeps the fault of a parser of the root package.
func parsed[T any](a *arguments, v T, err error) T {
	a.check(err)
	return v
}

func (a *arguments) channel() agentbridge.ChannelName {
	s := a.required("channel")
	if a.err != nil {
		return ""
	}
	name, err := agentbridge.ParseChannelName(s)
	return parsed(a, name, err)
}

// agentOr returns a name; a fallback that is one stands for an absent one.
func (a *arguments) agentOr(name string, fallback agentbridge.AgentName) agentbridge.AgentName {
	if fallback == "" || a.values[name] != nil {
		return a.agent(name)
	}
	a.get(name) // it may be given
	return fallback
}

func (a *arguments) agent(name string) agentbridge.AgentName {
	s := a.required(name)
	if a.err != nil {
		return ""
	}
	agent, err := agentbridge.ParseAgentName(name, s)
	return parsed(a, agent, err)
}
