package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Mallory's text would clear the screen of whoever looks at what redact leaves
// of it. At a terminal it is written out; a program gets it as it is.
func TestRedact_terminal(t *testing.T) {
	const hostile = "a\x1b[2J\x1b]0;x\a\u202eb\r\nc\n"
	keyboard, screen := openTerminal(t)
	if err := printText(t.Context(), screen, hostile); err != nil {
		t.Fatal(err)
	}
	shown := make([]byte, 256)
	n, err := keyboard.Read(shown)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(shown[:n]), `a\x1b[2J\x1b]0;x\a\u202eb\r`+"\nc\n"; got != want {
		t.Errorf("the terminal got %q, want %q", got, want)
	}

	var piped bytes.Buffer
	if err := printText(t.Context(), &piped, hostile); err != nil || piped.String() != hostile {
		t.Errorf("the pipe got %q, %v", piped.String(), err)
	}
}

// openTerminal returns the two ends of a terminal that changes nothing of what
// is written to it.
func openTerminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	if _, err := term.MakeRaw(int(screen.Fd())); err != nil {
		t.Fatal(err)
	}
	return keyboard, screen
}
