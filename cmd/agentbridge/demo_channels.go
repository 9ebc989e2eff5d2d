package main

import (
	"context"
	"errors"
	"fmt"

	"agentbridge"
	"agentbridge/internal/relay"
	"agentbridge/internal/store/sqlite"
)

// tasks are what the orchestrator hands out, three for each worker.
var tasks = []struct{ worker, title string }{
	{"worker-1", "write the list screen"},
	{"worker-2", "write the login screen"},
	{"worker-1", "write the edit dialog"},
	{"worker-2", "write end-to-end tests"},
	{"worker-1", "add keyboard shortcuts"},
	{"worker-2", "update the changelog"},
}

// killAt is the task that worker-1 has answered, but not acknowledged, when it
// is killed.
const killAt = "write the edit dialog"

const resultsChannel = "todo:results"

// envelope is the part of a protocol-v1 message that the demo uses.
type envelope struct {
	Version int    `json:"schema_version"`
	Type    string `json:"type"`
	Content string `json:"content"`
	ReplyTo string `json:"reply_to,omitempty"`
}

// posted is the answer of bridge_send.
type posted struct {
	ID           string `json:"id"`
	Deduplicated bool   `json:"deduplicated"`
}

// waited is the answer of bridge_wait.
type waited struct {
	Messages []struct {
		ID      string   `json:"id"`
		Sender  string   `json:"sender"`
		Message envelope `json:"message"`
	} `json:"messages"`
	TimedOut bool `json:"timed_out"`
}

// playChannels lets an orchestrator give work to two workers, of which one is
// killed after it answered and before it acknowledged.
func (st *stage) playChannels(ctx context.Context) error {
	st.transcript.scene("2. An orchestrator and two workers (channels)")
	boss, err := st.joinHTTP(ctx, "orchestrator")
	if err != nil {
		return err
	}
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan error, 2)
	for _, name := range []string{"worker-1", "worker-2"} {
		w, err := st.joinStdio(ctx, name)
		if err != nil {
			return err
		}
		go func() {
			err := w.work(working)
			if err != nil {
				stop(err)
			}
			ended <- err
		}()
	}
	ids, err := boss.handOut(working)
	if err == nil {
		err = boss.collect(working, ids)
	}
	if err != nil {
		stop(err)
	}
	return errors.Join(err, <-ended, <-ended)
}

// handOut sends the tasks, one of them twice, as a client does that lost the
// answer.
func (a *agent) handOut(ctx context.Context) (ids map[string]string, err error) {
	ids = map[string]string{}
	for i, t := range tasks {
		args := map[string]any{
			"channel": "todo:" + t.worker, "sender": a.name, "idempotency_key": fmt.Sprintf("task-%d", i),
			"message": envelope{Version: 1, Type: "task", Content: t.title},
		}
		var first, again posted
		a.stage.transcript.said(a.name, "task for "+t.worker, t.title)
		if err := a.call(ctx, "bridge_send", args, &first); err != nil {
			return nil, err
		}
		a.stage.transcript.count(1, 0)
		ids[first.ID] = t.title
		if i > 0 {
			continue
		}
		if err := a.call(ctx, "bridge_send", args, &again); err != nil {
			return nil, err
		}
		if !again.Deduplicated || again.ID != first.ID {
			return nil, fmt.Errorf("a retry with the same key gave %+v, want the first message %s again", again, first.ID)
		}
		a.stage.transcript.checkf("a retry with the same idempotency key sent nothing twice")
		args["message"] = envelope{Version: 1, Type: "task", Content: "something else"}
		if err := a.wantRefused(ctx, "other content under the same key", "bridge_send", args); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// work answers three tasks; worker-1 is killed in the middle of its second.
func (w *agent) work(ctx context.Context) error {
	for answered := 0; answered < len(tasks)/2; {
		batch, err := w.wait(ctx, "todo:"+w.name)
		if err != nil {
			return err
		}
		for _, m := range batch.Messages {
			again, err := w.answer(ctx, m.ID, m.Message.Content)
			if err != nil {
				return err
			}
			if m.Message.Content == killAt && w.name == "worker-1" && !again {
				if w, err = w.dieAndReturn(ctx); err != nil {
					return err
				}
				break // the rest was in the memory of the dead one: ask the bridge again
			}
			if err := w.call(ctx, "bridge_ack", map[string]any{"channel": "todo:" + w.name, "consumer_id": w.name, "message_id": m.ID}, nil); err != nil {
				return err
			}
			answered++
		}
	}
	return nil
}

// answer reports a result. Its key is the task's id, so that a worker which
// forgot that it answered does no harm.
func (w *agent) answer(ctx context.Context, task, title string) (again bool, err error) {
	var sent posted
	err = w.call(ctx, "bridge_send", map[string]any{
		"channel": resultsChannel, "sender": w.name, "idempotency_key": "result-" + task,
		"message": envelope{Version: 1, Type: "result", Content: "done: " + title, ReplyTo: task},
	}, &sent)
	if err != nil {
		return false, err
	}
	if sent.Deduplicated {
		w.stage.transcript.checkf("%s answers %q again; the bridge keeps the first answer", w.name, title)
		return true, nil
	}
	w.stage.transcript.count(1, 1) // a task came, a result went
	w.stage.transcript.said(w.name, "result", "done: "+title)
	return false, nil
}

func (w *agent) dieAndReturn(ctx context.Context) (*agent, error) {
	if err := w.kill(); err != nil {
		return nil, err
	}
	return w.stage.joinStdio(ctx, w.name)
}

func (a *agent) wait(ctx context.Context, channel string) (batch waited, err error) {
	err = a.call(ctx, "bridge_wait", map[string]any{"channel": channel, "consumer_id": a.name, "timeout_seconds": 10}, &batch)
	if err == nil && batch.TimedOut {
		err = fmt.Errorf("%s waited 10 s for %s in vain", a.name, channel)
	}
	return batch, err
}

// collect waits until every task has exactly one result.
func (a *agent) collect(ctx context.Context, ids map[string]string) error {
	for len(ids) > 0 {
		batch, err := a.wait(ctx, resultsChannel)
		if err != nil {
			return err
		}
		for _, m := range batch.Messages {
			title, open := ids[m.Message.ReplyTo]
			if !open || m.Message.Content != "done: "+title {
				return fmt.Errorf("result %q for task %s is unexpected or came twice", m.Message.Content, m.Message.ReplyTo)
			}
			delete(ids, m.Message.ReplyTo)
			a.stage.transcript.count(0, 1)
			if err := a.call(ctx, "bridge_ack", map[string]any{"channel": resultsChannel, "consumer_id": a.name, "message_id": m.ID}, nil); err != nil {
				return err
			}
		}
	}
	a.stage.transcript.checkf("the orchestrator has one result for each of %d tasks", len(tasks))
	return nil
}

// inspect opens the database, which nobody uses any more, and compares it with
// what was played.
func (st *stage) inspect(ctx context.Context, id agentbridge.ConversationID) (err error) {
	store, err := sqlite.Open(st.db, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	op := relay.NewOperator(store, st.db+".key")
	_, lines, err := op.Conversation(ctx, id)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if !l.State.Read() {
			return fmt.Errorf("message %s is %s, but its reader has it", l.Message.ID, l.State)
		}
	}
	page, err := op.Entries(ctx, agentbridge.EntryQuery{Limit: agentbridge.MaxEntries})
	entries := page.Entries
	if err != nil {
		return err
	}
	sends := 0
	for i, e := range entries {
		if want := int64(len(entries) - i); e.Seq != want {
			return fmt.Errorf("audit entry %d stands where %d should", e.Seq, want)
		}
		if e.Action == agentbridge.ActionSend {
			sends++
		}
	}
	if sends != st.transcript.sent {
		return fmt.Errorf("the audit log has %d sends, %d were made", sends, st.transcript.sent)
	}
	st.transcript.checkf("all %d messages of the conversation are marked as read; the audit log has %d entries without a gap", len(lines), len(entries))
	return nil
}
