package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"

	"agentbridge"
)

// fields are the members of a request's body. Those that nobody asks for are
// ignored, as reference B does.
type fields map[string]any

// byteOrderMark is what some editors put before UTF-8.
var byteOrderMark = []byte("\ufeff")

// errSlow ends a request whose body did not arrive in its time.
var errSlow = errors.New("the request body did not arrive in time; send it again over a better connection")

// readBody reads the body of a request, which must be a JSON object.
func readBody(c *call) (fields, error) {
	raw, err := io.ReadAll(c.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, errSlow
	}
	if err != nil {
		return nil, agentbridge.Refuse(agentbridge.InvalidFormat, "", "the request body ended early or is framed wrongly; send it again")
	}
	v, err := agentbridge.DecodeJSON("body", bytes.TrimPrefix(raw, byteOrderMark))
	if e, ok := errors.AsType[*agentbridge.Error](err); ok {
		if e.Code == agentbridge.TooDeep {
			return nil, word("JSON body "+e.Message, e)
		}
		return nil, word("invalid JSON body", e)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, word("JSON body must be an object", agentbridge.Refuse(agentbridge.InvalidType, "body", "must be an object"))
	}
	return object, nil
}

// text returns a string. A missing one is of the wrong type, as in reference B.
func (f fields) text(name string) (string, error) {
	s, ok := f[name].(string)
	if !ok {
		return "", agentbridge.Refuse(agentbridge.InvalidType, name, "must be a string")
	}
	return s, nil
}

// object returns an object, which must be there.
func (f fields) object(name string) (map[string]any, error) {
	object, ok := f[name].(map[string]any)
	if !ok {
		return nil, agentbridge.Refuse(agentbridge.InvalidType, name, "must be an object")
	}
	return object, nil
}

func (f fields) channel() (agentbridge.ChannelName, error) {
	s, err := f.text("channel")
	if err != nil {
		return "", err
	}
	return agentbridge.ParseChannelName(s)
}

func (f fields) agent(name string) (agentbridge.AgentName, error) {
	s, err := f.text(name)
	if err != nil {
		return "", err
	}
	return agentbridge.ParseAgentName(name, s)
}

func (f fields) role(name string) (agentbridge.Role, error) {
	s, err := f.text(name)
	if err != nil {
		return "", err
	}
	return agentbridge.ParseRole(name, s)
}
