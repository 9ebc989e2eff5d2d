package relay

import (
	"context"
	"strings"
	"sync"

	"agentbridge"
	"agentbridge/internal/bell"
	"agentbridge/internal/store"
)

// Who is known by name speaks, reads and is written down under that name and
// no other. Who is not may call himself what he likes, but not what an agent is
// called.

// sender is in whose name the session's principal sends to a channel.
func (s *session) sender(ctx context.Context, c agentbridge.ChannelName, claimed agentbridge.AgentName) (agentbridge.AgentName, error) {
	switch {
	case s.who.Verified() && (claimed == "" || claimed == s.who.Name):
		return s.who.Name, nil
	case s.who.Verified():
		return "", s.pretends(ctx, opSend, c, agentbridge.Refuse(agentbridge.Forbidden, "sender",
			"must be %q, whose token this is; leave it out", s.who.Name))
	case claimed == "":
		return "", agentbridge.Refuse(agentbridge.Required, "sender", "must not be empty; say under which name you send")
	}
	taken, err := s.relay.names.alike(ctx, s.relay, agentOf(claimed))
	if err == nil && taken {
		err = s.pretends(ctx, opSend, c, agentbridge.Refuse(agentbridge.Reserved, "sender",
			"is or looks like the name of an agent that has a token of its own; send it with that token, or choose another name"))
	}
	return claimed, err
}

// consumer is whose cursor in a channel the session's principal means.
func (s *session) consumer(ctx context.Context, op operation, c agentbridge.ChannelName, claimed agentbridge.AgentName) (agentbridge.AgentName, error) {
	switch {
	case s.who.Verified() && (claimed == s.who.Name || strings.HasPrefix(string(claimed), string(s.who.Name)+"/")):
		return claimed, nil
	case s.who.Verified():
		return "", s.pretends(ctx, op, c, agentbridge.Refuse(agentbridge.Forbidden, "consumer_id",
			"must be %q, whose token this is, or that with a slash and anything behind it", s.who.Name))
	}
	taken, err := s.relay.names.has(ctx, s.relay, agentOf(claimed))
	if err == nil && taken {
		err = s.pretends(ctx, op, c, agentbridge.Refuse(agentbridge.Reserved, "consumer_id",
			"belongs to an agent that has a token of its own; read with that token, or choose another consumer_id"))
	}
	return claimed, err
}

// agentOf is the agent to whom a name belongs that is its own or below it: no
// agent's name holds a slash.
func agentOf(name agentbridge.AgentName) agentbridge.AgentName {
	agent, _, _ := strings.Cut(string(name), "/")
	return agentbridge.AgentName(agent)
}

// pretends writes down that the principal gave itself out for somebody else.
func (s *session) pretends(ctx context.Context, op operation, c agentbridge.ChannelName, refusal *agentbridge.Error) error {
	s.relay.deny(ctx, trespass{who: s.who, action: agentbridge.ActionForbidden, op: op, reason: "as another " + refusal.Field}, c)
	return refusal
}

// names remembers what the agents are called that are or were known here, so
// that a message from somebody else costs no look into the store. It looks again
// whenever the log has an entry that belongs to no channel, for that is what a
// change of agents leaves.
type names struct {
	mu      sync.Mutex // guards the others
	ear     *bell.Ear[agentbridge.ChannelName]
	stale   bool
	version string // of the agents in the store, when they were read
	known   map[agentbridge.AgentName]struct{}
	looks   map[string]struct{} // their appearances
}

// has tells whether an agent has this name.
func (n *names) has(ctx context.Context, r *Relay, name agentbridge.AgentName) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.refresh(ctx, r); err != nil {
		return false, err
	}
	_, ok := n.known[name]
	return ok, nil
}

// alike tells whether an agent has this name or one that looks like it.
func (n *names) alike(ctx context.Context, r *Relay, name agentbridge.AgentName) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.refresh(ctx, r); err != nil || len(n.looks) == 0 {
		return false, err
	}
	_, ok := n.looks[appearance(name)]
	return ok, nil
}

// refresh reads the names if they may have changed. Its caller holds mu.
func (n *names) refresh(ctx context.Context, r *Relay) error {
	if n.ear == nil {
		n.ear, n.stale = r.bell.Listen(""), true // it stays as long as the relay
	}
	select {
	case <-n.ear.C:
		n.stale = true
	default:
	}
	if !n.stale {
		return nil
	}
	err := r.store.Glance(ctx, n.read)
	n.stale = err != nil
	return err
}

func (n *names) read(v store.Reader) error {
	version, _, err := agentsVersion(v)
	if err != nil || version != "" && version == n.version { // it was another entry that rang
		return err
	}
	agents, err := v.Agents()
	if err != nil {
		return err
	}
	n.version = version
	n.known, n.looks = map[agentbridge.AgentName]struct{}{}, map[string]struct{}{}
	for _, a := range agents {
		n.known[a.Name] = struct{}{}
		n.looks[appearance(a.Name)] = struct{}{}
	}
	return nil
}
