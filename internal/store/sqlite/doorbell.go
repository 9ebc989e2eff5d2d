package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"agentbridge"

	"github.com/fsnotify/fsnotify"
)

const (
	// defaultPoll finds what the doorbell lost.
	defaultPoll = 500 * time.Millisecond
	// blindPoll is how often to look where no file can be watched: on systems
	// out of inotify instances, for example.
	blindPoll = 20 * time.Millisecond
	// maxTopics is how many entries of other processes are told apart. Beyond
	// it everybody is woken once, which is cheaper than reading them all.
	maxTopics = 1000
)

// doorbell is a file beside the database that every process watches and
// writes to after a commit. What is written means nothing.
type doorbell struct {
	file    *os.File
	watcher *fsnotify.Watcher // nil if nothing can be watched
}

func hangDoorbell(path string, log *slog.Logger) (*doorbell, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := joinPeers(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b := &doorbell{file: f}
	if b.watcher, err = fsnotify.NewWatcher(); err != nil {
		log.Warn("can't watch the doorbell file; looking every 20 ms instead", "error", err)
		return b, nil
	}
	if err := b.watcher.Add(path); err != nil {
		log.Warn("can't watch the doorbell file; looking every 20 ms instead", "error", err)
		_ = b.watcher.Close()
		b.watcher = nil
	}
	return b, nil
}

// knock tells the other processes, if there are any. It may fail without harm:
// they poll.
func (b *doorbell) knock() {
	if !alone(b.file) {
		_, _ = b.file.WriteAt([]byte{0}, 0)
	}
}

func (b *doorbell) silence() {
	if b.watcher != nil {
		_ = b.watcher.Close()
	}
}

func (b *doorbell) close() error {
	b.silence() // once more: a store that failed to open has not come to it
	return b.file.Close()
}

// listenLoop rings for what other processes committed.
func (s *Store) listenLoop(ctx context.Context) {
	every, knocks := blindPoll, (chan fsnotify.Event)(nil)
	if s.bell.watcher != nil {
		every, knocks = s.poll, s.bell.watcher.Events
		s.ended.Go(func() {
			for err := range s.bell.watcher.Errors {
				s.log.Debug("doorbell", "error", err) // the poll finds what was lost
			}
		})
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-knocks:
			if !open {
				return
			}
		case <-tick.C:
		}
		if err := s.listen(); err != nil {
			s.log.Warn("look for changes of other processes", "error", err)
		}
	}
}

// listen rings the topics of all entries behind the last one that rang.
func (s *Store) listen() error {
	var r *session
	select {
	case r = <-s.readers:
	case <-s.queue.closed:
		return nil
	}
	defer func() { s.readers <- r }()

	heard := s.heard.Load()
	head, err := r.head()
	if err != nil || head <= heard {
		return err
	}
	var topics []agentbridge.ChannelName
	if head-heard <= maxTopics {
		if topics, err = r.topics(heard, head); err != nil {
			return err
		}
	}
	for now := heard; now < head && !s.heard.CompareAndSwap(now, head); { // our own commits advance it too
		now = s.heard.Load()
	}
	s.tell(topics)
	return nil
}
