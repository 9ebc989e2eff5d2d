package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Whatever stands in a path, a shell reads the words that were meant, and
// expands nothing.
func TestShellLine(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	words := []string{"plain", "two words", "it's", `"quoted"`, `back\slash`, "$HOME", "${HOME}", "`id`", "$(id)", "a;b", "a&&b", "*", "~", "#", "", "-x", "ü", "!", "''"}
	out, err := exec.Command(sh, "-c", `printf '%s\n' `+shellLine(words...)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"); !slices.Equal(got, words) {
		t.Errorf("sh read %q, want %q", got, words)
	}
}

// What is pasted is JSON that says what was meant.
func TestConnect_pasted(t *testing.T) {
	command := []string{`C:\Program Files\agentbridge.exe`, "stdio", "--db", `a "b" <c>`}
	for _, c := range agentClients {
		text, _ := c.stdio("team", command)
		if !strings.HasPrefix(text, "{") {
			continue // it is run
		}
		var settings map[string]map[string]serverEntry
		if err := json.Unmarshal([]byte(text), &settings); err != nil {
			t.Errorf("%s: %v", c.id, err)
		}
		for _, servers := range settings {
			if s := servers["team"]; !slices.Equal(append([]string{s.Command}, s.Args...), command) {
				t.Errorf("%s starts %q %q, want %q", c.id, s.Command, s.Args, command)
			}
		}
	}
}
