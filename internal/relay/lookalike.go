package relay

import (
	"agentbridge"
	"agentbridge/internal/store"
)

// unlike refuses a new channel, and a sender who is new to one, if their name
// looks like one that is there and is another. A name of ASCII letters looks
// like no other, and for a verified one there is somebody who answers for it.
func (s *session) unlike(v store.Reader, channel agentbridge.ChannelName, sender agentbridge.AgentName) error {
	if err := s.unlikeChannel(v, channel); err != nil || s.who.Verified() {
		return err
	}
	twin := agentbridge.AgentName(agentbridge.LookAlike(string(sender)))
	if twin == sender {
		return nil
	}
	c, ok, err := v.Channel(channel)
	if err != nil || !ok {
		return err
	}
	if known, err := v.Wrote(c, sender); err != nil || known {
		return err
	}
	if there, err := v.Wrote(c, twin); err != nil || !there {
		return err
	}
	if !s.sight().of(channel) { // it is not to learn who writes there
		return agentbridge.Refuse(agentbridge.Reserved, "sender", "looks like another sender's name but is spelt with other letters; choose one that nobody takes for it")
	}
	return looksLike("sender", string(twin))
}

// unlikeChannel compares with channels that the principal may read. That
// another one is there, it must not learn.
func (s *session) unlikeChannel(v store.Reader, name agentbridge.ChannelName) error {
	twin := agentbridge.ChannelName(agentbridge.LookAlike(string(name)))
	if twin == name || !s.sight().of(twin) {
		return nil
	}
	if _, ok, err := v.Channel(name); err != nil || ok { // it was there first, or nobody minded
		return err
	}
	if _, ok, err := v.Channel(twin); err != nil || !ok {
		return err
	}
	return looksLike("channel", string(twin))
}

func looksLike(field, twin string) error {
	return agentbridge.Refuse(agentbridge.Reserved, field,
		"looks like %q, which is there already, but is spelt with other letters; use that name, or one that nobody takes for it", twin)
}
