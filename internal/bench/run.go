package bench

import (
	"context"
	"fmt"
	"time"
)

// Run is one scenario being measured on one target.
type Run struct {
	Scenario string
	Target   *Target
	Settings Settings
	ID       string // random: names of this run's channels and agents begin with it

	// Progress tells the person who waits what is being done; never nil.
	Progress func(format string, args ...any)
	// Disk measures fdatasync in the directory of the databases; never nil.
	Disk func() Disk

	results []Result
}

// Add keeps a result: it fills in who was measured.
func (r *Run) Add(res Result) {
	res.Scenario, res.Target = r.Scenario, r.Target.Name
	r.results = append(r.results, res)
}

// Results are those that were added so far.
func (r *Run) Results() []Result { return r.results }

// Doors are the doors of the target that this scenario offers and the settings
// want.
func (r *Run) Doors(offered ...Door) []Door {
	var doors []Door
	for _, d := range r.Target.Doors() {
		if has(offered, d) && (len(r.Settings.Doors) == 0 || has(r.Settings.Doors, d)) {
			doors = append(doors, d)
		}
	}
	return doors
}

// Agents are the numbers of agents to measure with: the settings', else own.
func (r *Run) Agents(own ...int) []int {
	if len(r.Settings.Agents) > 0 {
		return r.Settings.Agents
	}
	return own
}

// Channel is the name of one of this run's channels.
func (r *Run) Channel(n int) string { return fmt.Sprintf("bench-%s:%s-%d", r.ID, r.Scenario, n) }

// Enter opens n agents through a door, named after this run. Whoever gets them
// calls leave.
func (r *Run) Enter(ctx context.Context, door Door, n int) ([]Agent, error) {
	if err := room(n, filesOf(door)); err != nil {
		return nil, err
	}
	agents := make([]Agent, 0, n)
	for i := range n {
		a, err := r.Target.Enter(ctx, door, fmt.Sprintf("bench-%s-%d", r.ID, i))
		if err != nil {
			leave(agents)
			return nil, fmt.Errorf("agent %d of %d through %s: %w", i+1, n, door, err)
		}
		agents = append(agents, a)
	}
	return agents, nil
}

func leave(agents []Agent) {
	for _, a := range agents {
		_ = a.Close() // it was measured already
	}
}

func has[T comparable](list []T, one T) bool {
	for _, v := range list {
		if v == one {
			return true
		}
	}
	return false
}

// Result is one line of the table.
type Result struct {
	Scenario string `json:"scenario"`
	Target   string `json:"target"`
	Door     Door   `json:"door"`
	Case     string `json:"case,omitempty"` // what distinguishes it within its scenario: "send to subscriber, 100 subscribers"
	Agents   int    `json:"agents"`

	Count      int64   `json:"count"`   // operations that were answered, or deliveries that arrived
	Seconds    float64 `json:"seconds"` // of the measurement, without warming up and checking
	Rate       float64 `json:"rate"`    // Count a second
	P50        float64 `json:"p50_ms"`  // milliseconds of one operation
	P95        float64 `json:"p95_ms"`
	P99        float64 `json:"p99_ms"`
	Max        float64 `json:"max_ms"`
	Mean       float64 `json:"mean_ms"`
	Errors     int64   `json:"errors"`     // operations that were refused or failed
	Lost       int64   `json:"lost"`       // acknowledged, and not there or not delivered as it was sent
	Duplicated int64   `json:"duplicated"` // stored twice, delivered twice without being marked, or never sent there at all
	Disordered int64   `json:"disordered"` // of one sender in one channel, later before earlier

	// Fdatasync is the median of the same directory, taken right before; Ratio is
	// P50 to it, 0 where the operation writes nothing.
	Fdatasync float64 `json:"fdatasync_ms,omitempty"`
	Ratio     float64 `json:"ratio,omitempty"`

	ServerCPU *float64 `json:"server_cpu_seconds,omitempty"` // of the server's process meanwhile; nil if unknown
	ClientCPU *float64 `json:"client_cpu_seconds,omitempty"` // of this process meanwhile

	// Figures are what only this scenario has, by name with the unit:
	// "bytes/message", "KiB/session", "MiB before".
	Figures map[string]float64 `json:"figures,omitempty"`
	// ErrorsBy counts errors by their first line, at most 10 kinds.
	ErrorsBy map[string]int64 `json:"errors_by,omitempty"`
	Note     string           `json:"note,omitempty"` // one sentence, if the figures need it
}

// Failed tells whether the bridge broke a promise: whatever its speed, the run
// has failed then.
func (r Result) Failed() bool { return r.Lost > 0 || r.Duplicated > 0 || r.Disordered > 0 }

// Disk is what a write costs at least where the databases are.
type Disk struct {
	P50, P99 time.Duration // fdatasync of an overwritten block of 4 KiB
	Samples  int
}
