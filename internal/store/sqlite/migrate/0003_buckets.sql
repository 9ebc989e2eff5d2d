CREATE TABLE buckets (
	key     TEXT    PRIMARY KEY,
	state   BLOB    NOT NULL,
	full_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX buckets_full ON buckets (full_at);
