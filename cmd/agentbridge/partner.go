package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// partnerToken says who is given the token of a conversation's other side: its
// creator too, or only whoever joins.
type partnerToken struct{ inviteOnly *bool }

func declarePartnerToken(flags *pflag.FlagSet, inviteOnly *bool) {
	flags.Var(partnerToken{inviteOnly}, "partner-token",
		"who gets the partner's token of a new conversation: both its creator and who joins with the invite, or invite-only for the latter")
}

func (p partnerToken) String() string {
	if p.inviteOnly == nil {
		return ""
	}
	if *p.inviteOnly {
		return "invite-only"
	}
	return "both"
}

func (p partnerToken) Type() string { return "both|invite-only" }

func (p partnerToken) Set(text string) error {
	switch strings.TrimSpace(text) {
	case "both":
		*p.inviteOnly = false
	case "invite-only":
		*p.inviteOnly = true
	default:
		return fault("must be both or invite-only")
	}
	return nil
}
