package agentbridge

import (
	"slices"
	"strings"
)

// Actions are all that an audit entry may record.
func Actions() []Action {
	return []Action{
		ActionSend, ActionAck, ActionClear, ActionExpire,
		ActionCreateConversation, ActionJoin, ActionCheck, ActionStatus, ActionTokensShown, ActionCleanup,
		ActionAgentAdd, ActionAgentChange, ActionAgentRotate, ActionAgentRevoke, ActionEncrypt, ActionAuditKey,
		ActionRefused, ActionRateLimited, ActionForbidden, ActionTokenReuse,
		ActionAuthFailure, ActionPolicyReject, ActionOversizeReject,
	}
}

// ParseAction checks an action that arrived as the given field. "channel_clear"
// is reference B's word for a clear.
func ParseAction(field, s string) (Action, error) {
	if s == "channel_clear" {
		return ActionClear, nil
	}
	if a := Action(s); slices.Contains(Actions(), a) {
		return a, nil
	}
	var words []string
	for _, a := range Actions() {
		words = append(words, string(a))
	}
	return "", Refuse(InvalidValue, field, "must be one of %s", strings.Join(words, ", "))
}

// ParseOutcome checks an outcome that arrived as the given field.
func ParseOutcome(field, s string) (Outcome, error) {
	switch o := Outcome(s); o {
	case Allowed, Denied, Alarm:
		return o, nil
	}
	return "", Refuse(InvalidValue, field, "must be one of allow, deny, alarm")
}
