package agentbridge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"agentbridge"
)

// Every action that the source declares can be asked for by name.
func TestActions_areAll(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "audit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Action" {
			return true
		}
		declared++
		word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := agentbridge.ParseAction("event", word); err != nil || string(a) != word {
			t.Errorf("ParseAction(%q) = %q, %v", word, a, err)
		}
		return true
	})
	if declared == 0 || declared != len(agentbridge.Actions()) {
		t.Errorf("audit.go declares %d actions, Actions() has %d", declared, len(agentbridge.Actions()))
	}
	_, err = agentbridge.ParseAction("event", "sent")
	if agentbridge.CodeOf(err) != agentbridge.InvalidValue {
		t.Errorf("ParseAction(sent) = %v", err)
	}
}
