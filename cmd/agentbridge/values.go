package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// A fault is what a value of ours finds wrong with a text: how the setting's
// sentence goes on after its name, "must be at least 1".
type fault string

func (f fault) Error() string { return string(f) }

// largest is the bound of numbers that need none. As many seconds still fit a
// time.Duration.
const largest = math.MaxInt32

// number is an integer within bounds.
type number struct {
	value    *int
	min, max int
}

// declareNumber declares a flag for an integer from min to max.
func declareNumber(flags *pflag.FlagSet, value *int, name string, byDefault, min, max int, usage string) {
	*value = byDefault
	flags.Var(number{value, min, max}, name, usage)
}

func (n number) String() string {
	if n.value == nil { // pflag asks a zero number what its default would be
		return "0"
	}
	return strconv.Itoa(*n.value)
}

func (n number) Type() string { return "int" }

func (n number) Set(text string) error {
	// Beyond what an int holds it returns the nearest one, which is out of
	// bounds too.
	v, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		return fault("must be an integer, " + n.bounds())
	case v < n.min:
		return fault("must be " + n.bounds())
	case v > n.max:
		return fault(fmt.Sprintf("must be at least %d and at most %d", n.min, n.max))
	}
	*n.value = v
	return nil
}

func (n number) bounds() string {
	if n.max == largest {
		return fmt.Sprintf("at least %d", n.min)
	}
	return fmt.Sprintf("at least %d and at most %d", n.min, n.max)
}

// boolean is true or false in the words that environments use.
type boolean struct{ value *bool }

// declareBool declares a switch that is off.
func declareBool(flags *pflag.FlagSet, value *bool, name, usage string) {
	flags.VarPF(boolean{value}, name, "", usage).NoOptDefVal = "true"
}

func (b boolean) String() string { return strconv.FormatBool(b.value != nil && *b.value) }

func (b boolean) Type() string { return "bool" }

func (b boolean) Set(text string) error {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "true", "yes", "on":
		*b.value = true
	case "0", "false", "no", "off":
		*b.value = false
	default:
		return fault("must be one of true/false, yes/no, on/off, or 1/0")
	}
	return nil
}

// list is texts separated by commas, in one value or several; each is checked.
type list struct {
	values *[]string
	check  func(string) error
}

func declareList(flags *pflag.FlagSet, values *[]string, name string, check func(string) error, usage string) {
	flags.Var(list{values, check}, name, usage+"; may be repeated, or separated by commas")
}

func (l list) String() string {
	if l.values == nil {
		return ""
	}
	return strings.Join(*l.values, ",")
}

func (l list) Type() string { return "list" }

func (l list) Set(text string) error {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		if err := l.check(item); err != nil {
			return fault("is wrong: " + err.Error())
		}
		*l.values = append(*l.values, item)
	}
	return nil
}

// span is a time with a unit, and with a least value.
type span struct {
	value *time.Duration
	min   time.Duration
}

func declareSpan(flags *pflag.FlagSet, value *time.Duration, name string, byDefault, min time.Duration, usage string) {
	*value = byDefault
	flags.Var(span{value, min}, name, usage)
}

func (s span) String() string {
	if s.value == nil {
		return "0s"
	}
	return s.value.String()
}

func (s span) Type() string { return "duration" }

func (s span) Set(text string) error {
	v, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil || v < s.min {
		return fault(fmt.Sprintf("must be at least %v, with a unit, for example 3h or 90m", s.min))
	}
	*s.value = v
	return nil
}

// days is so many days. A time.Duration ends at about 106,000; who keeps
// something for longer than 200 years will not see the difference.
func days(n int) time.Duration { return time.Duration(min(n, 73_000)) * 24 * time.Hour }
