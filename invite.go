package agentbridge

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Invite is the code that admits a partner to a conversation once: twelve
// digits of Crockford's base 32 in groups of four. The first group says which
// invitation, the others are secret: 40 bits, of which five guesses are allowed.
type Invite string

// Format keeps a code out of everything that fmt writes, MarshalText out of JSON
// and out of logs. Whoever means to show one converts it to a string.
func (Invite) Format(s fmt.State, _ rune)   { _, _ = io.WriteString(s, secret) }
func (Invite) MarshalText() ([]byte, error) { return []byte(secret), nil }

const (
	// InviteLife is how long an invitation admits.
	InviteLife = 10 * time.Minute
	// InviteTries is how many wrong codes for an invitation end it.
	InviteTries = 5

	inviteID     = 4 // digits that say which
	inviteLength = 12
	// InviteDigits are the digits of a code, by value.
	InviteDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// ID says which invitation the code is for. It opens nothing.
func (c Invite) ID() string { return string(c[:min(inviteID, len(c))]) }

// MakeInvite writes a code with these digits, of which the lowest five bits of
// each byte count.
func MakeInvite(random [inviteLength]byte) Invite {
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(InviteDigits[r%32])
	}
	return Invite(b.String())
}

// ParseInvite checks the form of a code given by a caller, not whether it
// admits. Case and separators don't matter, and digits that look alike are
// understood.
func ParseInvite(s string) (Invite, error) {
	var b strings.Builder
	n := 0
	for _, c := range strings.ToUpper(s) {
		switch c {
		case '-', ' ':
			continue
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if n > 0 && n%4 == 0 {
			b.WriteByte('-')
		}
		if n++; n > inviteLength || !strings.ContainsRune(InviteDigits, c) {
			return "", wrongInviteForm
		}
		b.WriteRune(c)
	}
	if n != inviteLength {
		return "", wrongInviteForm
	}
	return Invite(b.String()), nil
}

var wrongInviteForm = Refuse(InvalidFormat, "invite", "must be the %d letters and digits that create_conversation returned as invite, as 7K3M-9QWE-R2TX", inviteLength)

// Joined is the answer to an invitation: what the partner's side needs.
type Joined struct {
	ID        ConversationID
	Seat      Seat
	Token     Token
	Role      Role // of the seat
	Partner   Role
	ExpiresAt time.Time
}
