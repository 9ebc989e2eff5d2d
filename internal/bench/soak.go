package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

var soakScenario = Scenario{
	Name: "soak",
	About: "a coordinator and eight workers that send at their own pace and follow their channels, while the server is killed without warning and started again: " +
		"from the first attempt of a send to its answer, and who waits for that sends nothing meanwhile; outage is the longest time around a kill in which nobody was answered",
	Claim: "keep-alive 100 % over 30 minutes at one message a minute; a 90-minute test",
	Run:   runSoak,
}

const (
	soakWorkers = 8
	soakCase    = "server killed"
	workerPace  = 200 * time.Millisecond // between two messages of a worker
	leadPace    = 100 * time.Millisecond // of the coordinator, to any of the workers
	leastKills  = 3
	leastGap    = 300 * time.Millisecond // between two kills: a server has to come up
	mostGap     = 20 * time.Second       // typically, in a long run
	graceTime   = time.Minute            // for what is not answered when the time is over
)

func runSoak(ctx context.Context, r *Run) error {
	if r.Target.Restart == nil {
		r.Add(Result{Case: soakCase, Note: "not measured: only a server that was started for this may be killed"})
		return nil
	}
	doors := r.Doors(HTTP, MCP)
	if len(doors) == 0 {
		return nil
	}
	s := newSoak(r, doors)
	r.Progress("%s for %s", soakCase, s.lasts())
	disk := r.Disk()
	res, err := s.measure(ctx)
	if err != nil {
		return err
	}
	res.Fdatasync = ms(disk.P50)
	r.Add(res)
	return nil
}

// soak is one long measurement. Channel 0 is to the coordinator and channel i
// to the worker i; a sender is a person in a channel.
type soak struct {
	run      *Run
	doors    []Door
	ledger   *Ledger
	chance   *rand.Rand // when the server is killed: the same in every run
	pulse    pulse
	senders  []*voice // of the workers 1 to 8, and the coordinator as 0
	readers  []*reader
	restarts int
}

func newSoak(r *Run, doors []Door) *soak {
	s := &soak{run: r, doors: doors, ledger: NewLedger(r.ID), chance: rand.New(rand.NewPCG(42, 1))}
	for i := range soakWorkers + 1 {
		s.senders = append(s.senders, &voice{soak: s, number: i, comeback: s.comeback("voice", i)})
		s.readers = append(s.readers, &reader{soak: s, channel: r.Channel(i), comeback: s.comeback("ear", i)})
	}
	return s
}

func (s *soak) comeback(what string, i int) *comeback {
	name := "bench-" + s.run.ID + "-" + what + "-" + strconv.Itoa(i)
	return &comeback{target: s.run.Target, door: s.doors[i%len(s.doors)], name: name}
}

// lasts is for how long the workers work. A short run is lengthened, because a
// soak of seconds shows nothing.
func (s *soak) lasts() time.Duration {
	if d := s.run.Settings.Duration; d >= time.Minute {
		return d
	}
	return 6 * s.run.Settings.Duration
}

func (s *soak) measure(ctx context.Context) (Result, error) {
	listening, stop := context.WithCancel(ctx)
	done := s.listen(listening)
	defer func() { stop(); <-done }()
	start := time.Now()
	if err := s.besiege(ctx); err != nil {
		return Result{}, err
	}
	elapsed := time.Since(start)
	if err := s.end(ctx); err != nil {
		return Result{}, err
	}
	late := time.NewTimer(lastTime)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C: // who does not have the end by now has lost something
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	stop()
	<-done
	res := s.result(elapsed)
	return res, s.compare(ctx, &res)
}

// listen lets everybody follow its channel. The channel is closed when all have
// come to the end, or ctx is done.
func (s *soak) listen(ctx context.Context) (done chan struct{}) {
	done = make(chan struct{})
	var all sync.WaitGroup
	for _, r := range s.readers {
		all.Go(func() { r.follow(ctx) })
	}
	go func() { all.Wait(); close(done) }()
	return done
}

// besiege lets the senders work while the server is killed again and again. It
// returns when all that was sent has been answered.
func (s *soak) besiege(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sending sync.WaitGroup
	stop := make(chan struct{})
	for _, v := range s.senders {
		sending.Go(func() { v.work(ctx, stop) })
	}
	err := s.kill(ctx)
	close(stop)
	if err != nil {
		cancel()
	}
	grace := time.AfterFunc(graceTime, cancel)
	defer grace.Stop()
	sending.Wait()
	return err
}

// kill kills the server until the time is over, and a few times at least.
func (s *soak) kill(ctx context.Context) error {
	end := time.Now().Add(s.lasts())
	for {
		typical := min(s.run.Settings.Duration/4, mostGap)
		gap := max(leastGap, time.Duration((0.5+s.chance.Float64())*float64(typical)))
		last := s.restarts >= leastKills && time.Now().Add(gap).After(end)
		if last {
			gap = time.Until(end)
		}
		if err := pause(ctx, gap); err != nil {
			return err
		}
		if last {
			return nil
		}
		s.pulse.begin()
		if err := s.run.Target.Restart(ctx); err != nil {
			return fmt.Errorf("start the server again after killing it: %w", err)
		}
		s.restarts++
	}
}
