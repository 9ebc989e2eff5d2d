package agentbridge

// AgentName names a participant, program or person: what reference B calls
// sender and consumer_id.
type AgentName string

// MaxAgentName is the longest agent name, in code points.
const MaxAgentName = 128

// ParseAgentName checks a name that arrived as the given field and returns it
// in its normalised form. Names that speak for the bridge are refused, and so
// are those that look like them.
func ParseAgentName(field, s string) (AgentName, error) {
	name, err := checkName(field, s, MaxAgentName)
	if err != nil {
		return "", err
	}
	return AgentName(name), checkReserved(field, name)
}

// Status is what an agent says it is doing.
type Status string

const (
	Working  Status = "working"
	Waiting  Status = "waiting"
	Blocked  Status = "blocked"
	Complete Status = "complete"
)

// ParseStatus checks a status that a seat reports.
func ParseStatus(s string) (Status, error) {
	switch Status(s) {
	case Working, Waiting, Blocked, Complete:
		return Status(s), nil
	}
	return "", Refuse(InvalidValue, "status", "must be one of working, waiting, blocked, complete")
}
