package wire

import "agentbridge"

// Conversation is an answer to a creation. The tokens and the invite stand here
// in clear: this answer is the one place where they leave the bridge.
type Conversation struct {
	ConversationID agentbridge.ConversationID `json:"conversation_id"`
	SessionID      agentbridge.Seat           `json:"session_id"`
	SessionAToken  string                     `json:"session_a_token,omitempty"` // none where the bridge keeps it
	SessionBToken  string                     `json:"session_b_token,omitempty"` // none where partners join by invitation only
	ExpiresAt      string                     `json:"expires_at"`
	Invite         string                     `json:"invite"`
	InviteExpires  string                     `json:"invite_expires_at"`
}

// ConversationOf returns an answer to a creation as it is written.
func ConversationOf(c agentbridge.NewConversation) Conversation {
	return Conversation{c.ID, c.Seat, string(c.TokenA), string(c.TokenB), agentbridge.FormatTime(c.ExpiresAt),
		string(c.Invite), agentbridge.FormatTime(c.InviteExpires)}
}

// JoinRequest is POST /api/conversations/join.
type JoinRequest struct {
	Invite string `json:"invite"`
}

// Joined is an answer to an invitation. As in Conversation, the token stands
// here in clear.
type Joined struct {
	ConversationID agentbridge.ConversationID `json:"conversation_id"`
	SessionID      agentbridge.Seat           `json:"session_id"`
	SessionBToken  string                     `json:"session_b_token,omitempty"` // none where the bridge keeps it
	Role           agentbridge.Role           `json:"role"`
	PartnerRole    agentbridge.Role           `json:"partner_role"`
	ExpiresAt      string                     `json:"expires_at"`
}

// JoinedOf returns an answer to an invitation as it is written.
func JoinedOf(j agentbridge.Joined) Joined {
	return Joined{j.ID, j.Seat, string(j.Token), j.Role, j.Partner, agentbridge.FormatTime(j.ExpiresAt)}
}
