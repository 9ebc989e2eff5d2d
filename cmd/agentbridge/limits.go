package main

import (
	"maps"
	"strings"

	"agentbridge/internal/limit"

	"github.com/spf13/cobra"
)

// limitFlags say how fast things may be done. Zero is limit.Default().
type limitFlags struct {
	table    string                     // its name
	settings map[limit.Class]limit.Rule // of single classes, which win over the table's
}

func (f *limitFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.table = "default"
	flags.Var(tableName{&f.table}, "limits", "how fast agents may send and ask: "+strings.Join(limit.Names(), ", ")+
		"; multi-agent allows a session "+limit.MultiAgent()[limit.Conversation].String()+" messages instead of "+limit.Default()[limit.Conversation].String())
	flags.Var(limitSettings{f}, "limit", "another limit for one `class=rates`, for example conversation=100/m,500/h,2000/d or channel=off; may be repeated, or separated by semicolons; the classes are "+limit.ClassNames())
}

// limits are the table with what was set for single classes.
func (f *limitFlags) limits() limit.Table {
	if f.table == "" { // a command without these flags
		return nil
	}
	table, _ := limit.Named(f.table)
	maps.Copy(table, f.settings)
	return table
}

// tableName is the name of a table of limits.
type tableName struct{ value *string }

func (n tableName) String() string {
	if n.value == nil {
		return ""
	}
	return *n.value
}

func (n tableName) Type() string { return "table" }

func (n tableName) Set(text string) error {
	text = strings.TrimSpace(text)
	if _, ok := limit.Named(text); !ok {
		return fault("must be one of " + strings.Join(limit.Names(), ", "))
	}
	*n.value = text
	return nil
}

// limitSettings is limits of single classes. Of two for one class the last wins.
type limitSettings struct{ flags *limitFlags }

func (s limitSettings) String() string {
	if s.flags == nil {
		return ""
	}
	var texts []string
	for _, class := range limit.Classes() {
		if rule, ok := s.flags.settings[class]; ok {
			texts = append(texts, string(class)+"="+rule.String())
		}
	}
	return strings.Join(texts, ";")
}

func (s limitSettings) Type() string { return "class=rates" }

func (s limitSettings) Set(text string) error {
	found := map[limit.Class]limit.Rule{}
	for item := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		class, rule, err := limit.ParseSetting(item)
		if err != nil {
			return fault("is wrong: " + err.Error())
		}
		found[class] = rule
	}
	if s.flags.settings == nil {
		s.flags.settings = map[limit.Class]limit.Rule{}
	}
	maps.Copy(s.flags.settings, found)
	return nil
}
