package redact

import (
	"errors"
	"fmt"
	"io"
	"os"

	"agentbridge"
)

// Limits of a file of patterns. They keep a start and a send quick.
const (
	maxPatterns    = 200
	maxPatternFile = 1 << 20 // bytes
	maxExpression  = 4 << 10 // bytes
)

// LoadPatterns reads the patterns that an operator keeps in a TOML file. Its
// tables are [[pattern]], with name, regexp, keywords, group, placeholder and
// min_entropy, or those of gitleaks, [[rules]]. Nothing in the file is passed
// over: what can't be honoured is an error, as is a file without a pattern.
// Errors are one sentence and begin with FILE:LINE where there is a line at
// fault.
func LoadPatterns(path string) ([]Pattern, error) {
	raw, err := readPatternFile(path)
	if err != nil {
		return nil, err
	}
	patterns, err := parsePatterns(raw)
	if f, ok := errors.AsType[*fault](err); ok {
		return nil, fmt.Errorf("%s:%d: %w", path, f.line, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return patterns, nil
}

func readPatternFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxPatternFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxPatternFile {
		return nil, fmt.Errorf("%s is larger than %d bytes; keep fewer patterns", path, maxPatternFile)
	}
	return raw, nil
}

// A fault is what is wrong with a file of patterns, and in which line.
type fault struct {
	line int
	text string
}

func (f *fault) Error() string { return f.text }

func faultf(line int, format string, args ...any) error {
	return &fault{line, agentbridge.InertLine(fmt.Sprintf(format, args...))}
}

// A loader gathers the patterns of one file.
type loader struct {
	patterns []Pattern
	lines    map[string]int // where the pattern of a name is

	// Of gitleaks' format:
	rules   []int // which of the patterns are rules
	general []generalAllowance
	builtIn bool // the file asks for gitleaks' own rules besides
}

func parsePatterns(raw []byte) ([]Pattern, error) {
	tables, err := readTables(raw)
	if err != nil {
		return nil, err
	}
	l := &loader{lines: map[string]int{}}
	for _, t := range tables {
		if err := l.table(t); err != nil {
			return nil, err
		}
	}
	if err := l.allowGenerally(); err != nil {
		return nil, err
	}
	if len(l.patterns) == 0 {
		return nil, errors.New("holds no pattern; begin one with [[pattern]]")
	}
	return l.patterns, nil
}

func (l *loader) table(t table) error {
	switch t.name {
	case "":
		return t.only("title", "description", "minversion")
	case "[[pattern]]":
		return l.ownPattern(t)
	case "[[rules]]":
		return l.gitleaksRule(t)
	case "[[rules.allowlists]]", "[rules.allowlist]":
		return l.ruleAllowance(t)
	case "[[allowlists]]", "[allowlist]":
		return l.generalAllowance(t)
	case "[extend]":
		return l.extend(t)
	}
	return faultf(t.line, "there is no table %s here; a pattern begins with [[pattern]], a rule of gitleaks with [[rules]]", t.name)
}

// add takes a pattern that is complete.
func (l *loader) add(line int, p Pattern) error {
	if before, twice := l.lines[p.Name]; twice {
		return faultf(line, "pattern %q has the name of the one in line %d; give it another", p.Name, before)
	}
	if len(l.patterns) == maxPatterns {
		return faultf(line, "pattern %q is one too many; at most %d can be loaded", p.Name, maxPatterns)
	}
	l.lines[p.Name] = line
	l.patterns = append(l.patterns, p)
	return nil
}
