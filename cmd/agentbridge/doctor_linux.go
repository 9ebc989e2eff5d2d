package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// processesWith names the processes, of those whose open files we may see, that
// have a file open.
func processesWith(path string) (list []string, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		links, _ := filepath.Glob(filepath.Join("/proc", e.Name(), "fd", "*"))
		if !slices.ContainsFunc(links, func(link string) bool { to, err := os.Readlink(link); return err == nil && to == path }) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "comm"))
		list = append(list, fmt.Sprintf("%d (%s)", pid, strings.TrimSpace(string(name))))
	}
	return list, nil
}
