package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// wantRefusal runs a command that can't work: it says why in one line on
// stderr, nothing on stdout, and ends with the code.
func wantRefusal(t *testing.T, code int, words string, p *program) {
	t.Helper()
	p.in.Close()
	for line := range p.lines {
		t.Errorf("%v: stdout: %q", p.cmd.Args[1:], line)
	}
	<-p.exited
	text := p.stderr.String()
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("%v: exit code %d, want %d; stderr: %q", p.cmd.Args[1:], got, code, text)
	}
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "agentbridge: ") || !strings.Contains(text, words) {
		t.Errorf("%v: stderr %q, want one line with %q", p.cmd.Args[1:], text, words)
	}
}

// opening are the commands that open a database.
var opening = [][]string{{"serve", "--port", "0"}, {"stdio"}, {"list"}}

// made returns a home with a database that has been used.
func made(t *testing.T) home {
	t.Helper()
	h := newHome(t)
	p := h.stdio(t)
	p.member().must("bridge_send", args{"channel": "c", "sender": "s", "content": "x"})
	p.in.Close()
	p.wantExit(exitOK)
	return h
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// patch overwrites a number in the header of a SQLite file.
func patch(offset int, n uint32) func([]byte) []byte {
	return func(file []byte) []byte {
		binary.BigEndian.PutUint32(file[offset:], n)
		return file
	}
}

func TestProcess_refusesDatabases(t *testing.T) {
	const userVersion, applicationID = 60, 68 // https://www.sqlite.org/fileformat2.html
	for name, c := range map[string]struct {
		spoil func([]byte) []byte
		words string
	}{
		"garbage":                         {func(file []byte) []byte { return bytes.Repeat([]byte("garbage "), 1000) }, "it is not a database"},
		"a text":                          {func(file []byte) []byte { return []byte("hello\n") }, "it is not a database"},
		"a newer version":                 {patch(userVersion, 9999), "upgrade agentbridge"},
		"another application's":           {patch(applicationID, 0x0f055111), "belongs to another program"},
		"a nameless one with its own use": {patch(applicationID, 0), "belongs to another program"},
		"a damaged page":                  {func(file []byte) []byte { copy(file[4096:], bytes.Repeat([]byte{0xff}, 4096)); return file }, "corrupt"},
		"cut off":                         {func(file []byte) []byte { return file[:len(file)/2/4096*4096] }, "corrupt"},
	} {
		t.Run(name, func(t *testing.T) {
			h := made(t)
			file := c.spoil(readFile(t, h.db()))
			if err := os.WriteFile(h.db(), file, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range opening {
				wantRefusal(t, exitFailed, c.words, launch(t, h.flags(args...)...))
				if !bytes.Equal(readFile(t, h.db()), file) {
					t.Errorf("%v has changed the file", args)
				}
			}
		})
	}
}

func TestProcess_refusesAReadOnlyDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are something else there")
	}
	h := made(t)
	before := readFile(t, h.db())
	dir, self := publish(t)
	for _, path := range []string{h.db(), h.db() + ".lock", filepath.Join(string(h), "bridge.key")} {
		if err := os.Chmod(path, 0o444); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, filepath.Join(dir, filepath.Base(path))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	h = home(dir)
	for _, args := range opening {
		cmd := command(t, h.flags(args...)...)
		cmd.Path, cmd.Dir = self, dir
		asNobody(cmd)
		wantRefusal(t, exitFailed, "database "+h.db()+": ", launchCommand(t, cmd))
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readFile(t, h.db()), before) {
		t.Error("the file has changed")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("the directory holds %v (%v), want the database, its lock, its key and this program", entries, err)
	}
}

// publish copies this program to a directory that other users can read.
func publish(t *testing.T) (dir, self string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agentbridge-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		os.Chmod(dir, 0o755)
		os.RemoveAll(dir)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self = filepath.Join(dir, "agentbridge")
	if err := os.WriteFile(self, readFile(t, command(t).Path), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, self
}

func TestProcess_portInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)

	h := newHome(t)
	wantRefusal(t, exitFailed, "port "+port+" on 127.0.0.1 is in use", launch(t, h.flags("serve", "--port", port)...))
	if _, err := os.Stat(h.db()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the database was made: %v", err)
	}
	h = made(t)
	before := readFile(t, h.db())
	wantRefusal(t, exitFailed, "choose another --port", launch(t, h.flags("serve", "--port", port)...))
	if !bytes.Equal(readFile(t, h.db()), before) {
		t.Error("the database was changed")
	}
}

// A database belongs to its key. Made anew, the key would silently make all
// tokens worthless that agents hold.
func TestProcess_refusesWithoutItsKey(t *testing.T) {
	for name, c := range map[string]struct {
		key   []byte // nil for none
		words string
	}{
		"missing": {nil, "restore its file or name it with --key-file"},
		"other":   {bytes.Repeat([]byte("0123456789abcdef"), 4), "not the key this database was made with"},
		"damaged": {[]byte("0123"), "it is damaged"},
		"empty":   {[]byte{}, "it is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			h := made(t)
			key := filepath.Join(string(h), "bridge.key")
			if err := os.Remove(key); err != nil {
				t.Fatal(err)
			}
			if c.key != nil {
				if err := os.WriteFile(key, c.key, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := readFile(t, h.db())
			tokens := []string{"tokens", "conv_0123456789abcdef"}
			for _, args := range [][]string{opening[0], opening[1], tokens} { // to list needs no key
				wantRefusal(t, exitFailed, c.words, launch(t, h.flags(args...)...))
				after, err := os.ReadFile(key)
				if c.key == nil && !errors.Is(err, fs.ErrNotExist) || !bytes.Equal(after, c.key) {
					t.Errorf("%v has written the key file: %q, %v", args, after, err)
				}
				if !bytes.Equal(readFile(t, h.db()), before) {
					t.Errorf("%v has changed the database", args)
				}
			}
		})
	}
}
