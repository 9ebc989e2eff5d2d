package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"agentbridge/internal/redact/corpus"
)

// Agents say hundreds of secrets, wherever a text can be said: on channels and
// in conversations, as text, in envelopes, as names and keys, through every
// door, in requests that are refused. None of them is anywhere afterwards: not
// in the database or beside it, not in the log, not in an answer.
func TestProcess_secretsStayNowhere(t *testing.T) {
	h := newHome(t)
	server, at := h.serve(t, "--limits", "off", "--audit-log")
	near := h.stdio(t, "--limits", "off")
	l := leak{t: t, h: h, at: at, near: near.member(), far: visit(t, at), secrets: secretsOf(t)}
	l.pair()
	for i, s := range l.secrets {
		l.speak(i, s.Text)
		for _, secret := range s.Secrets {
			l.whisper(i, secret)
		}
	}
	l.readAll()
	server.terminate()
	<-server.exited
	near.terminate()
	<-near.exited

	l.search("the log of serve", server.stderr.Bytes())
	l.search("the log of stdio", near.stderr.Bytes())
	files, err := filepath.Glob(filepath.Join(string(h), "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files of the bridge: %v, %v", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		l.search(filepath.Base(file), raw)
	}
}

// secretsOf are texts with secrets that the redactor knows, a fifth of the
// corpus: what it does not know is measured elsewhere.
func secretsOf(t *testing.T) (list []corpus.Text) {
	t.Helper()
	r := known(t)
	for i, text := range corpus.Generate(7) {
		out, _ := r.Text(text.Text)
		if whole, part := text.Leak(out); i%5 == 0 && len(text.Secrets) > 0 && !whole && !part {
			list = append(list, text)
		}
	}
	if len(list) < 100 {
		t.Fatalf("only %d texts", len(list))
	}
	return list
}

type leak struct {
	t         *testing.T
	h         home
	at        string
	near, far *member
	secrets   []corpus.Text
	a, b      args // credentials of a conversation
}

func (l *leak) pair() {
	made := l.near.must("create_conversation", args{"my_role": "backend_developer", "partner_role": "frontend_developer"})
	id := args{"conversation_id": made["conversation_id"]}
	l.a = with(id, args{"session_id": "a", "token": made["session_a_token"]})
	l.b = with(id, args{"session_id": "b", "token": made["session_b_token"]})
}

// speak says a text with a secret wherever text is welcome. It is stored there.
func (l *leak) speak(i int, text string) {
	number := strconv.Itoa(i)
	m := []*member{l.near, l.far}[i%2]
	m.must("bridge_send", args{"channel": "c", "sender": "s", "content": text})
	m.must("bridge_send", args{"channel": "c", "sender": "s", "message": args{
		"schema_version": 1, "type": "t", "content": args{"list": []any{text}, text: "as a key"}, "metadata": args{"note": text}}})
	raw, _ := json.Marshal(args{"log": text})
	m.must("bridge_send", args{"channel": "c", "sender": "s", "content": string(raw)})
	m.must("send_to_partner", with(l.a, args{"message": text}))
	l.post("/api/send", args{"channel": "c", "sender": "s", "content": text, "idempotency_key": number})
	sent := l.post("/api/send", args{"channel": "c", "sender": "s", "content": text, "idempotency_key": number})
	if sent["deduplicated"] != true {
		l.t.Errorf("a send with a key, again: %v", sent)
	}
	l.post("/api/ack", args{"channel": "c", "consumer_id": "r", "message_id": sent["id"], "metadata": args{"note": text}})
}

// whisper says a bare secret where none belongs. It is stored without, or
// refused.
func (l *leak) whisper(i int, secret string) {
	m := []*member{l.near, l.far}[i%2]
	for _, call := range []struct {
		tool string
		args args
	}{
		{"bridge_send", args{"channel": "c", "sender": "s", "content": args{"wrong": secret}}},
		{"bridge_send", args{"channel": "c", "sender": "s", "content": "x", "password": secret}},
		{"bridge_ack", args{"channel": "c", "consumer_id": "r", "message_id": "token=" + secret}},
		{"send_to_partner", with(l.a, args{"message": "x", "action_type": secret})},
		{"send_to_partner", with(l.a, args{"message": "x", "files_involved": []any{"password=" + secret}})},
		{"create_conversation", args{"my_role": "password: " + secret, "partner_role": "y"}},
	} {
		answer, err := m.call(call.tool, call.args)
		text, _ := json.Marshal(answer)
		if err != nil {
			text = []byte(err.Error())
		}
		l.search(call.tool, text)
	}
	if redacted, _ := known(l.t).Text(secret); redacted != secret { // it is known without what stood around it
		for _, body := range []args{
			{"channel": secret, "sender": "s", "content": "x"}, {"channel": "c", "sender": secret, "content": "x"},
			{"channel": "c", "sender": "s", "content": "x", "idempotency_key": secret},
			{"channel": "c", "sender": "s", "message": args{"schema_version": 1, "type": "t", "content": "x", "thread_id": secret}},
		} {
			l.post("/api/send", body)
		}
		ask(l.t, http.DefaultClient, "GET", l.at+"/api/messages/"+url.PathEscape(secret), "")
		ask(l.t, http.DefaultClient, "GET", l.at+"/api/"+url.PathEscape(secret), "", "Origin", "https://evil.example")
		ask(l.t, http.DefaultClient, "POST", l.at+"/api/send", `{"channel":"c","sender":`+secret)
	}
}

func (l *leak) post(path string, body args) data {
	l.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		l.t.Fatal(err)
	}
	_, text := ask(l.t, http.DefaultClient, "POST", l.at+path, string(raw))
	l.search("POST "+path, []byte(text))
	var answer data
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		l.t.Fatalf("POST %s: %s", path, text)
	}
	return answer
}

// readAll reads back what was stored, and the audit log.
func (l *leak) readAll() {
	for _, path := range []string{"/api/messages?channel=c&limit=500&full=1", "/api/audit?limit=1000", "/api/state"} {
		_, text := ask(l.t, http.DefaultClient, "GET", l.at+path, "")
		l.search(path, []byte(text))
		if path == "/api/audit?limit=1000" && !strings.Contains(text, `\"redacted\":{\"`) {
			l.t.Errorf("the audit log counts nothing: %.300s", text)
		}
	}
	for more := true; more; {
		page := l.near.must("check_messages", l.b)
		text, _ := json.Marshal(page)
		l.search("check_messages", text)
		more = page["remaining"].(float64) > 0
	}
}

// search looks for every secret that is long enough to be told from a word.
func (l *leak) search(where string, in []byte) {
	l.t.Helper()
	for _, s := range l.secrets {
		for _, secret := range s.Secrets {
			if len(secret) >= 10 && bytes.Contains(in, []byte(secret)) {
				l.t.Errorf("%s holds a secret: %s, %s: %q", where, s.Class, s.Kind, secret)
			}
		}
	}
}
