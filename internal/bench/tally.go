package bench

import "time"

// tally is what one worker's turns came to; one goroutine at a time.
type tally struct {
	Timings
	kinds  map[string]*kind // where a scenario has several: operations by name
	errors int64
	by     map[string]int64
	first  error
}

// time does something and keeps how long it took, or that it failed.
func (t *tally) time(do func() error) error { return t.as("", do) }

// as is time, and keeps it under a name too.
func (t *tally) as(name string, do func() error) error { return t.since(time.Now(), name, do) }

// since is as for what should have begun at start: if it began late, that
// counts.
func (t *tally) since(start time.Time, name string, do func() error) error {
	if err := do(); err != nil {
		t.fail(err)
		return err
	}
	took := time.Since(start)
	t.Add(took)
	if name != "" {
		k := t.kind(name)
		k.count++
		k.Add(took)
	}
	return nil
}

// kind is what operations of one name came to.
type kind struct {
	Timings
	count int64 // with those that have no time
}

// only counts an operation that has no time.
func (t *tally) only(name string) { t.kind(name).count++ }

func (t *tally) kind(name string) *kind {
	if t.kinds == nil {
		t.kinds = map[string]*kind{}
	}
	if t.kinds[name] == nil {
		t.kinds[name] = &kind{}
	}
	return t.kinds[name]
}

// fail counts an error.
func (t *tally) fail(err error) {
	t.errors++
	if t.first == nil {
		t.first = err
	}
	t.count(ErrorKind(err), 1)
}

// mostKinds is how many kinds of errors a result tells apart.
const mostKinds = 10

// count adds to a kind of error. Kinds come from what a server says, so there
// is an end to how many are kept.
func (t *tally) count(kind string, n int64) {
	if t.by == nil {
		t.by = map[string]int64{}
	}
	if _, known := t.by[kind]; !known && len(t.by) >= mostKinds-1 {
		kind = "others"
	}
	t.by[kind] += n
}

// join adds another worker's tally.
func (t *tally) join(o *tally) {
	t.Join(&o.Timings)
	t.errors += o.errors
	if t.first == nil {
		t.first = o.first
	}
	for kind, n := range o.by {
		t.count(kind, n)
	}
	for name, k := range o.kinds {
		sum := t.kind(name)
		sum.count += k.count
		sum.Join(&k.Timings)
	}
}

// into writes timings and errors into a result.
func (t *tally) into(res *Result, elapsed time.Duration) {
	t.Into(res, elapsed)
	t.intoErrors(res)
	for name, k := range t.kinds {
		var one Result
		k.Into(&one, elapsed)
		res.figure(name+"s", float64(k.count))
		if one.Count > 0 {
			res.figure(name+" p50 ms", one.P50)
			res.figure(name+" p99 ms", one.P99)
		}
	}
}

// intoErrors adds the errors alone.
func (t *tally) intoErrors(res *Result) {
	res.Errors += t.errors
	if res.ErrorsBy == nil && t.by != nil {
		res.ErrorsBy = map[string]int64{}
	}
	for kind, n := range t.by {
		res.ErrorsBy[kind] += n
	}
}

// erred adds one error to a result.
func (r *Result) erred(err error) {
	var t tally
	t.fail(err)
	t.intoErrors(r)
}
