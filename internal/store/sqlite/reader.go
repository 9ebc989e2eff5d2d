package sqlite

import (
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// reader implements store.Reader on a connection in a transaction.
type reader struct{ *session }

// tx implements store.Tx; it collects the topics to ring after the commit.
type tx struct {
	reader
	ledger *ledger
	topics []agentbridge.ChannelName // one for each audit entry
}

var (
	_ store.Reader = (*reader)(nil)
	_ store.Tx     = (*tx)(nil)
)

// micros reads a time column.
func micros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// nullable is metadata as a column value.
func nullable(m agentbridge.Metadata) any {
	if m == nil {
		return nil
	}
	return string(m)
}

// metadata reads a nullable JSON column.
func (r row) metadata(i int) agentbridge.Metadata {
	if r.null(i) {
		return nil
	}
	return agentbridge.Metadata(r.text(i))
}
