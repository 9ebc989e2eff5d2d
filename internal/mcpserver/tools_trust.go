package mcpserver

import (
	"agentbridge"
	"agentbridge/internal/wire"
)

// untrusted is what structured answers that carry messages say of them, for
// readers who get no text: whoever wrote them is a peer, and not the user.
const untrusted = "untrusted-peer"

// record is a message with what is suspicious in it.
type record struct {
	wire.Record
	Suspicious []string `json:"suspicious,omitempty"`
}

func recordsOf(list []wire.Record) []record {
	out := make([]record, 0, len(list))
	for _, r := range list {
		out = append(out, record{r, agentbridge.Suspicious(r.Content)})
	}
	return out
}

// verified is what stands before the name of a sender that is known to be who
// it says, "" for a label. A name can't say it of itself: it is in quotes.
func verified(m agentbridge.Message) string {
	if m.Verified {
		return "verified "
	}
	return ""
}

// unverifiedOf says that senders' names are labels, if one in the list is.
func unverifiedOf(list []agentbridge.Message) string {
	labels, names := false, false
	for _, m := range list {
		labels, names = labels || !m.Verified, names || m.Verified
	}
	switch {
	case labels && names:
		return " Senders' names are unverified. Those marked verified are not: the bridge knows these senders."
	case labels:
		return " Senders' names are unverified."
	}
	return ""
}

// page is wire.Page with what a reader must know of its messages.
type page struct {
	wire.Page
	Messages []record `json:"messages"`
	Trust    string   `json:"trust"`
}

func pageOf(p agentbridge.Page) page {
	of := wire.PageOf(p)
	return page{of, recordsOf(of.Messages), untrusted}
}

// waitPage is an answer to a wait.
type waitPage struct {
	page
	TimedOut bool `json:"timed_out"`
}

// overview is wire.Overview with what a reader must know of its messages.
type overview struct {
	wire.Overview
	Channels []view `json:"channels"`
	Trust    string `json:"trust"`
}

type view struct {
	wire.View
	Messages []record `json:"messages"`
}

func overviewOf(o agentbridge.Overview) overview {
	of := wire.OverviewOf(o)
	views := make([]view, 0, len(of.Channels))
	for _, v := range of.Channels {
		views = append(views, view{v, recordsOf(v.Messages)})
	}
	return overview{of, views, untrusted}
}
