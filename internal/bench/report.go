package bench

import (
	"fmt"
	"time"
)

// Report is what one run of the benchmark found. As JSON it is what
// documentation is made of.
type Report struct {
	Version  string         `json:"version"` // of agentbridge
	When     time.Time      `json:"when"`    // it began, in UTC
	Seconds  float64        `json:"seconds"` // it took
	Command  []string       `json:"command"` // line, as it was called
	Settings ReportSettings `json:"settings"`
	Machine  Machine        `json:"machine"`
	Targets  []ReportTarget `json:"targets"`
	Results  []Result       `json:"results"`

	// Incomplete says for each measurement that failed which and why.
	Incomplete []string `json:"incomplete,omitempty"`
	// Interrupted: somebody ended the run; what was measured until then stands.
	Interrupted bool `json:"interrupted,omitempty"`
}

// ReportSettings are the settings of a run; what is left out was each
// scenario's own.
type ReportSettings struct {
	Seconds  float64 `json:"seconds"` // of one measurement
	Size     int     `json:"size"`    // bytes of a message
	Agents   []int   `json:"agents,omitempty"`
	Doors    []Door  `json:"doors,omitempty"`
	Messages int     `json:"messages,omitempty"`
	Sessions int     `json:"sessions,omitempty"`
	Limits   string  `json:"limits,omitempty"` // of a server that was started for this; "" where none was
}

func settingsOf(s Settings) ReportSettings {
	return ReportSettings{Seconds: s.Duration.Seconds(), Size: s.Size, Agents: s.Agents, Doors: s.Doors, Messages: s.Messages, Sessions: s.Sessions}
}

// ReportTarget is one bridge that was measured.
type ReportTarget struct {
	Name    string `json:"name"`
	Foreign bool   `json:"foreign,omitempty"` // no agentbridge, but one with reference B's interface
	Doors   []Door `json:"doors"`
}

// Failed tells whether a promise was broken anywhere.
func (r Report) Failed() bool { return len(r.Failures()) > 0 }

// Failures says in a line for each broken promise where that was.
func (r Report) Failures() []string {
	var lines []string
	for _, res := range r.Results {
		if res.Failed() {
			lines = append(lines, fmt.Sprintf("%s on %s%s: %d lost, %d duplicated, %d out of order",
				res.Scenario, res.Target, res.place(), res.Lost, res.Duplicated, res.Disordered))
		}
	}
	return lines
}

// place tells the results of a scenario on one target apart, for people.
func (r Result) place() string {
	text := ""
	if r.Door != "" {
		text += " through " + string(r.Door)
	}
	if r.Agents > 0 {
		text += fmt.Sprintf(" with %s", plural(r.Agents, "agent"))
	}
	if r.Case != "" {
		text += " (" + r.Case + ")"
	}
	return text
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
