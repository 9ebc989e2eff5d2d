package agentbridge_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors is the house: what each package may import of ours, and which
// libraries live in one place only. Imports point down. A package that is not
// listed fails the test, so that a new one gets its place here first.
var floors = map[string][]string{
	// 0 words
	"": {},
	// 1 leaves
	"internal/audit":         {""},
	"internal/bell":          {""},
	"internal/limit":         {""},
	"internal/oidc":          {""},
	"internal/redact":        {""},
	"internal/redact/corpus": {},
	"internal/seal":          {""},
	"internal/token":         {""},
	"internal/wire":          {""},
	// 2 stores
	"internal/store":           {""},
	"internal/store/sqlite":    {"", "internal/store", "internal/audit"},
	"internal/store/storetest": {"", "internal/store", "internal/audit"},
	// 3 engine
	"internal/relay": {"", "internal/store", "internal/audit", "internal/bell", "internal/limit", "internal/redact", "internal/token"},
	// 4 faces
	"internal/boundary":  {"", "internal/wire"},
	"internal/httpapi":   {"", "internal/wire"},
	"internal/mcpserver": {"", "internal/wire"},
	"client":             {"", "internal/wire"},
	"internal/bench":     {"", "internal/wire"},
	// 5
	"cmd/agentbridge": {"", "client", "docs", "internal/audit", "internal/bench", "internal/boundary", "internal/httpapi", "internal/limit", "internal/mcpserver", "internal/oidc", "internal/redact", "internal/relay", "internal/seal", "internal/store", "internal/store/sqlite", "internal/wire"},

	// beside the house: what is read by people
	"docs": {},

	// beside the house: what makes docs/benchmarks.md
	"scripts/benchdoc": {"internal/bench"},

	// for tests
	"faults":     {},
	"bridgetest": {"", "internal/limit", "internal/relay", "internal/store", "internal/store/sqlite", "internal/store/storetest"},
}

// homes are the packages that alone may import a library.
var homes = map[string][]string{
	"github.com/spf13/cobra":                 {"cmd/agentbridge"},
	"github.com/modelcontextprotocol/go-sdk": {"internal/mcpserver", "cmd/agentbridge"}, // the demo's clients
	"modernc.org/sqlite":                     {"internal/store/sqlite"},
	"github.com/zricethezav/gitleaks":        {"internal/redact"},
	"github.com/pelletier/go-toml":           {"internal/redact"},
	"github.com/fsnotify/fsnotify":           {"internal/store/sqlite"},
	"github.com/coreos/go-oidc":              {"internal/oidc"},
	"golang.org/x/mod":                       {"internal/audit"},
	"os/exec":                                {"cmd/agentbridge"}, // the demo and bench
	"net/http":                               {"internal/wire", "internal/boundary", "internal/httpapi", "internal/mcpserver", "internal/oidc", "client", "internal/bench", "cmd/agentbridge"},
	"database/sql":                           {"internal/store/sqlite"},
}

const module = "agentbridge"

func TestFloors(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := ours(p.ImportPath)
		seen[name] = true
		may, listed := floors[name]
		if !listed {
			t.Errorf("package %q has no floor: give it its place in the table", name)
			continue
		}
		for _, imp := range p.Imports {
			checkImport(t, name, may, imp)
		}
	}
	for name := range floors {
		if !seen[name] {
			t.Errorf("the table has package %q, the house does not", name)
		}
	}
}

func checkImport(t *testing.T, name string, may []string, imp string) {
	if imp == module || strings.HasPrefix(imp, module+"/") {
		if !slices.Contains(may, ours(imp)) {
			t.Errorf("%q imports %q, which is not below it", name, ours(imp))
		}
		return
	}
	if name == "" && strings.Contains(imp, ".") && imp != "golang.org/x/text/unicode/norm" {
		t.Errorf("the root package imports %s; it may import the standard library and what normalises names", imp)
	}
	for library, home := range homes {
		if (imp == library || strings.HasPrefix(imp, library+"/")) && !slices.Contains(home, name) {
			t.Errorf("%q imports %s, which lives in %v", name, imp, home)
		}
	}
}

// ours is a package's path in the house.
func ours(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}
