package relay

import (
	"context"
	"errors"
	"slices"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// operation is something that a principal may or may not do. All that a session
// offers is one of these, and nothing is done without asking may.
type operation string

const (
	opPing     operation = "ping"
	opList     operation = "list channels"
	opFind     operation = "look messages up"
	opWatch    operation = "watch channels"
	opRead     operation = "read"
	opAck      operation = "acknowledge"
	opSend     operation = "send"
	opClear    operation = "clear"
	opConverse operation = "hold conversations"
	opAudit    operation = "read the audit log"
)

// rule is who may do an operation.
type rule struct {
	roles []agentbridge.AccessRole
	verb  agentbridge.Verb // of the scope that it takes in its channel, "" for none
}

// The one table of who may do what. What is not in it nobody may. Those that
// take no scope show what the principal may read, and nothing else.
var rules = map[operation]rule{
	opPing:     {roles: agentbridge.AccessRoles()},
	opList:     {roles: readers},
	opFind:     {roles: readers},
	opWatch:    {roles: readers},
	opRead:     {roles: readers, verb: agentbridge.VerbRead},
	opAck:      {roles: members, verb: agentbridge.VerbRead},
	opSend:     {roles: members, verb: agentbridge.VerbSend},
	opClear:    {roles: operators, verb: agentbridge.VerbClear},
	opConverse: {roles: members},
	opAudit:    {roles: auditors},
}

var (
	operators = []agentbridge.AccessRole{agentbridge.RoleOperator, agentbridge.RoleAdmin}
	members   = append([]agentbridge.AccessRole{agentbridge.RoleMember}, operators...)
	readers   = append([]agentbridge.AccessRole{agentbridge.RoleViewer, agentbridge.RoleApprover}, members...)
	auditors  = []agentbridge.AccessRole{agentbridge.RoleAuditor, agentbridge.RoleAdmin}
)

// permits tells whether a principal's roles let it do something somewhere.
func permits(p agentbridge.Principal, op operation) bool {
	return slices.ContainsFunc(rules[op].roles, func(r agentbridge.AccessRole) bool { return slices.Contains(p.Roles, r) })
}

// allows tells whether a principal may do something in a channel.
func allows(p agentbridge.Principal, op operation, c agentbridge.ChannelName) bool {
	return permits(p, op) && (rules[op].verb == "" || p.Covers(rules[op].verb, c))
}

// may refuses what the session's principal may not do in a channel, "" for what
// belongs to none. The answer is the same whether the channel exists or not.
func (s *session) may(ctx context.Context, op operation, c agentbridge.ChannelName) error {
	return s.relay.may(ctx, s.who, op, c)
}

// may refuses what whoever has taken the seat may do no longer.
func (s *seat) may(ctx context.Context) error { return s.relay.may(ctx, s.who, opConverse, "") }

func (r *Relay) may(ctx context.Context, p agentbridge.Principal, op operation, c agentbridge.ChannelName) error {
	if err := ended(p); err != nil {
		if agentbridge.CodeOf(err) == agentbridge.Unauthenticated { // else it need only come again
			r.deny(ctx, trespass{who: p, action: agentbridge.ActionRefused, op: op, reason: "credential ended"}, c)
		}
		return err
	}
	if allows(p, op, c) {
		return nil
	}
	r.deny(ctx, trespass{who: p, action: agentbridge.ActionForbidden, op: op}, c)
	where := ""
	if permits(p, op) {
		where = " in this channel"
	}
	return agentbridge.Refuse(agentbridge.Forbidden, "", "this token may not %s%s; ask the bridge's operator for a role or scope that does", op, where)
}

// ended returns why a principal may not act any more, nil while it may.
func ended(p agentbridge.Principal) error {
	err := p.Ended()
	if _, told := errors.AsType[*agentbridge.Error](err); err == nil || told {
		return err
	}
	return errNotAdmitted
}

// end is closed when a principal may not act any more.
func end(p agentbridge.Principal) <-chan struct{} {
	if p.Life == nil {
		return nil
	}
	return p.Life.Done()
}

// sight is which channels a principal sees: those that it may read.
type sight struct {
	who agentbridge.Principal
	all bool // also those to come
}

func (s *session) sight() sight {
	return sight{s.who, permits(s.who, opRead) && s.who.Unlimited(agentbridge.VerbRead)}
}

func (s sight) of(c agentbridge.ChannelName) bool { return s.all || allows(s.who, opRead, c) }

// trespass is something that a principal tried and was refused.
type trespass struct {
	who    agentbridge.Principal
	action agentbridge.Action
	op     operation
	reason string // "" if it is that the rules say so
}

// deny writes a trespass to the audit log, the first of its kind in a channel
// and denialWindow. Whoever was refused need not stay for it.
func (r *Relay) deny(ctx context.Context, d trespass, c agentbridge.ChannelName) {
	a, x := r.reportOf(d, c)
	r.denyNow(ctx, a, x)
}

func (r *Relay) denyNow(ctx context.Context, a attempt, x report) {
	e, w := r.denials.known.count(a, x, time.Now())
	if w == nil {
		return
	}
	err := r.store.Update(context.WithoutCancel(ctx), func(t store.Tx) error { return t.Log(e) })
	if err == nil {
		return
	}
	r.denials.known.giveBack(w)
	if agentbridge.CodeOf(err) != agentbridge.Closed {
		r.log.Error("a refusal could not be written to the audit log", "channel", x.target, "error", err)
	}
}

// denyUnseen is deny for what has to look like something that is not there:
// it takes no time.
func (r *Relay) denyUnseen(d trespass, c agentbridge.ChannelName) {
	a, x := r.reportOf(d, c)
	if e, w := r.denials.known.count(a, x, time.Now()); w != nil {
		r.denials.known.later(e, w)
		r.wakeNotes()
	}
}

func (r *Relay) reportOf(d trespass, c agentbridge.ChannelName) (attempt, report) {
	c = r.loggable(c)
	kind := string(d.action) + " " + string(d.op) + " " + d.reason + " " + string(d.who.Name)
	about := map[string]any{"operation": d.op}
	if d.reason != "" {
		about["reason"] = d.reason
	}
	return attempt{reason: kind, channel: c}, report{who: d.who, action: d.action, target: c, about: about}
}

// loggable is a channel's name as it may stand in the log before anybody has
// looked at it: not at all if it is a secret.
func (r *Relay) loggable(c agentbridge.ChannelName) agentbridge.ChannelName {
	if r.intake.label("channel", string(c)) != nil {
		return ""
	}
	return c
}

// actor is how the audit log names a principal.
func actor(p agentbridge.Principal) agentbridge.AgentName {
	if p.Verified() {
		return p.Name
	}
	return unverified
}

// deed is the detail of an entry whose actor is a principal. It says whether the
// actor's name is more than a label.
func deed(p agentbridge.Principal, about map[string]any) agentbridge.Metadata {
	if p.Verified() {
		about["verified"] = true
	}
	return detail(about)
}
