package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
)

// age puts messages into channel c that were sent so long ago, in a database
// that nobody has open.
func (h home) age(t *testing.T, ago time.Duration, texts ...string) {
	t.Helper()
	st, err := sqlite.Open(h.db(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-ago)
	err = st.Update(context.Background(), func(tx store.Tx) error {
		c, err := tx.OpenChannel("c", false)
		if err != nil {
			return err
		}
		for _, text := range texts {
			m, err := tx.Append(c, agentbridge.Message{Sender: "s", Content: text, Encoding: agentbridge.LegacyText, At: at})
			if err != nil {
				return err
			}
			detail := agentbridge.Metadata(fmt.Sprintf(`{"id":%q,"seq":%d,"bytes":%d}`, m.ID, m.Seq, len(text)))
			if err := tx.Log(agentbridge.Entry{At: at, Actor: "s", Action: agentbridge.ActionSend, Target: "c", Detail: detail}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, st.Close()); err != nil {
		t.Fatal(err)
	}
}

// eventually asks until the answer is the one that is wanted: what happens in
// the background of another process gives no other sign.
func eventually[T comparable](t *testing.T, what string, want T, ask func() T) {
	t.Helper()
	began := time.Now()
	for {
		got := ask()
		if got == want {
			return
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%s: %v after 10 s, want %v", what, got, want)
		}
	}
}

const day = 24 * time.Hour

func TestProcess_serveDeletesOldMessages(t *testing.T) {
	h := newHome(t)
	h.age(t, 10*day, "ancient", "old")
	h.age(t, 2*day, "young")
	_, url := h.serve(t, "--retention-days", "3")
	eventually(t, "messages", `[young]`, func() string {
		_, body := ask(t, http.DefaultClient, "GET", url+"/api/messages?channel=c&full=1", "")
		var listing struct{ Messages []struct{ Content string } }
		if err := json.Unmarshal([]byte(body), &listing); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		var texts []string
		for _, m := range listing.Messages {
			texts = append(texts, m.Content)
		}
		return fmt.Sprint(texts)
	})
}

// Agents without a server have a database that grows too.
func TestProcess_stdioDeletesOldMessages(t *testing.T) {
	h := newHome(t)
	h.age(t, 10*day, "ancient", "old")
	h.age(t, 2*day, "young")
	m := launch(t, h.flags("stdio", "--retention-days", "3")...).member()
	eventually(t, "messages", "[young]", func() string {
		return fmt.Sprint(column(m.must("bridge_receive", args{"channel": "c"}), "messages", "content"))
	})
}

// Without the flag everything is kept.
func TestProcess_keepsOldMessages(t *testing.T) {
	h := newHome(t)
	h.age(t, 20_000*day, "ancient")
	m := h.stdio(t).member()
	m.must("bridge_send", args{"channel": "d", "sender": "s", "content": "x"})
	if got := fmt.Sprint(column(m.must("bridge_receive", args{"channel": "c"}), "messages", "content")); got != "[ancient]" {
		t.Errorf("messages %s, want the old one", got)
	}
}
