package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// haunt is a whole day of a bridge: everything that is secret about it, and
// every text that it lets out.
type haunt struct {
	t       *testing.T
	h       home
	at      string
	shared  string // the token that all share
	secrets map[string]string
	texts   map[string][]byte
}

// Agents come, sit, rotate, are revoked and refused, through every door. No
// token, code or key of theirs is anywhere afterwards but where it was given
// out: not in the database or beside it, in a log, an answer, a command line.
func TestProcess_credentialsStayNowhere(t *testing.T) {
	l := &haunt{t: t, h: newHome(t), secrets: map[string]string{}, texts: map[string][]byte{}}
	l.shared = "shared-" + hex.EncodeToString([]byte(t.Name()))[:40] // as long as one that was drawn
	l.secrets["the shared token"] = l.shared
	alice, bob := l.add("alice", "--role", "member,auditor"), l.add("bob")
	server, at := l.h.serveIn(t, []string{"AGENTBRIDGE_AUTH_TOKEN=" + l.shared}, "--audit-log")
	l.at = at
	seat := l.converse(alice, bob)
	near := l.visitNear(alice, seat)
	l.cookie(bob)
	l.refusals(alice, bob, seat)
	l.secrets["bob's second token"] = l.run("bob's rotation", "agent", "rotate", "bob")
	l.run("", "agent", "revoke", "bob", "--yes")
	l.answer("a revoked token", bob, "GET", "/api/state", "")
	l.answer("the audit log", alice, "GET", "/api/audit?limit=1000", "")
	l.search() // while the WAL is there

	server.terminate()
	<-server.exited
	near.in.Close()
	<-near.exited
	l.keep("serve", server)
	l.keep("stdio", near)
	sealed, _ := l.h.serve(t, "--encrypt", "--require-token")
	sealed.terminate()
	<-sealed.exited
	l.keep("serve --encrypt", sealed)
	for _, command := range []string{"audit list --json", "audit export", "audit head", "agent list --json", "agent show alice", "doctor --json", "encryption status", "list --json"} {
		l.run("", strings.Fields(command)...)
	}
	l.search()
}

// add makes an agent and returns its token.
func (l *haunt) add(name string, flags ...string) string {
	l.t.Helper()
	token := l.run(name+"'s token", append([]string{"agent", "add", name}, flags...)...)
	if !strings.HasPrefix(token, "abr_api_") {
		l.t.Fatalf("agent add printed %q", token)
	}
	return token
}

// run runs a command to its end. What it prints on stdout is a secret if it has
// a name, and is searched if not.
func (l *haunt) run(secret string, args ...string) string {
	l.t.Helper()
	cmd := command(l.t, l.h.flags(args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		l.t.Fatalf("%v: %v: %s", args, err, &stderr)
	}
	name := strings.Join(args, " ")
	l.texts["stderr of "+name] = stderr.Bytes()
	l.texts["the command line of "+name] = []byte(strings.Join(cmd.Args, " "))
	if secret == "" {
		l.texts[name] = out
		return ""
	}
	l.secrets[secret] = strings.TrimSpace(string(out))
	return l.secrets[secret]
}

func (l *haunt) keep(name string, p *program) {
	l.texts["the log of "+name] = p.stderr.Bytes()
	l.texts["the banner of "+name] = []byte(strings.Join(p.banner, "\n"))
	l.texts["the command line of "+name] = []byte(strings.Join(p.cmd.Args, " "))
}

// converse has the agents hold a conversation over HTTP, and say their tokens
// in it and on a channel.
func (l *haunt) converse(alice, bob string) args {
	a, b := visitAs(l.t, l.at, alice), visitAs(l.t, l.at, bob)
	made := a.must("create_conversation", newRoles)
	joined := b.must("join_conversation", args{"invite": made["invite"]})
	l.secrets["an invite"] = made["invite"].(string)
	l.secrets["an invite without hyphens"] = strings.ReplaceAll(made["invite"].(string), "-", "")
	l.secrets["the token of seat a"] = made["session_a_token"].(string)
	l.secrets["the token of seat b"] = joined["session_b_token"].(string)
	seat := args{"conversation_id": made["conversation_id"], "session_id": "a"}
	for _, secret := range []string{alice, bob, "the token: " + l.secrets["the token of seat b"]} {
		a.must("send_to_partner", with(seat, args{"message": "use " + secret}))
		a.must("bridge_send", args{"channel": "c", "content": secret})
	}
	return seat
}

// visitNear is a process on the database that acts for an agent.
func (l *haunt) visitNear(alice string, seat args) *program {
	cmd := command(l.t, l.h.flags("stdio", "--partner-token", "invite-only")...)
	cmd.Env = append(cmd.Env, tokenVariable+"="+alice)
	p := launchCommand(l.t, cmd)
	m := p.member()
	m.must("check_messages", seat)
	made := m.must("create_conversation", newRoles)
	l.secrets["another invite"] = made["invite"].(string)
	raw, err := json.Marshal(made)
	if err != nil {
		l.t.Fatal(err)
	}
	l.texts["create_conversation of stdio"] = bytes.ReplaceAll(raw, []byte(l.secrets["another invite"]), nil)
	return p
}

// cookie signs a browser in.
func (l *haunt) cookie(token string) {
	l.t.Helper()
	resp, body := ask(l.t, http.DefaultClient, "POST", l.at+"/api/session", "{}", "Authorization", "Bearer "+token)
	for _, c := range resp.Cookies() {
		l.secrets["a cookie"] = c.Value
	}
	if l.secrets["a cookie"] == "" {
		l.t.Fatalf("POST /api/session = %s: %s", resp.Status, body)
	}
	l.texts["/api/session"] = []byte(body)
}

// refusals are what is said about credentials that are wrong in one place.
func (l *haunt) refusals(alice, bob string, seat args) {
	for what, token := range map[string]string{"a cut token": bob[:len(bob)-1], "a changed token": bob[:20] + "x" + bob[21:], "a shared token and more": l.shared + "1", "a JSON Web Token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."} {
		l.secrets[what] = token
		l.answer(what, token, "POST", "/api/send", `{"channel":"c","content":"x"}`)
	}
	l.answer("a token in a URL", alice, "GET", "/api/state?token="+bob, "")
	l.answer("a token as a channel", alice, "POST", "/api/send", `{"channel":"`+bob+`","content":"x"}`)
	l.answer("a token as a sender", alice, "POST", "/api/send", `{"channel":"c","sender":"`+bob+`","content":"x"}`)
	l.answer("a token in a path", alice, "GET", "/api/messages/"+bob, "")
	l.answer("a used invite", alice, "POST", "/api/conversations/join", `{"invite":"`+l.secrets["an invite"]+`"}`)
	_, err := visitAs(l.t, l.at, alice).call("check_messages", with(seat, args{"session_id": "b", "token": l.secrets["the token of seat b"]}))
	if err == nil {
		l.t.Error("alice sat in bob's seat")
		return
	}
	l.texts["the refusal of a seat"] = []byte(err.Error())
}

// answer keeps what is answered to a request.
func (l *haunt) answer(what, token, method, path, body string) {
	l.t.Helper()
	resp, text := ask(l.t, http.DefaultClient, method, l.at+path, body, "Authorization", "Bearer "+token)
	var head bytes.Buffer
	if err := resp.Header.Write(&head); err != nil {
		l.t.Fatal(err)
	}
	l.texts["the answer to "+what] = append(head.Bytes(), text...)
}

// search looks for every secret in every text and file, keys included, which
// are in files of their own and nowhere else.
func (l *haunt) search() {
	l.t.Helper()
	files, err := filepath.Glob(filepath.Join(string(l.h), "*"))
	if err != nil || len(files) < 4 {
		l.t.Fatalf("files of the bridge: %v, %v", files, err)
	}
	keys := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			l.t.Fatal(err)
		}
		name := filepath.Base(file)
		if !strings.HasSuffix(name, ".key") {
			l.texts[name] = raw
			continue
		}
		keys++
		for _, word := range strings.FieldsFunc(string(raw), func(r rune) bool { return r == '\n' || r == ' ' || r == '+' }) {
			if len(word) < 40 {
				continue
			}
			l.secrets[name] = word
			if bytes, err := hex.DecodeString(word); err == nil {
				l.secrets[name+", as bytes"] = string(bytes)
			}
		}
	}
	if keys < 2 {
		l.t.Errorf("%d key files, want those of tokens and of the audit log", keys)
	}
	for where, text := range l.texts {
		for what, secret := range l.secrets {
			if bytes.Contains(text, []byte(secret)) {
				l.t.Errorf("%s holds %s", where, what)
			}
		}
	}
}
