ALTER TABLE channels ADD COLUMN expired_nth INTEGER NOT NULL DEFAULT 0;

CREATE TABLE senders (
	channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
	sender     TEXT    NOT NULL,
	PRIMARY KEY (channel_id, sender)
) STRICT, WITHOUT ROWID;

INSERT INTO senders (channel_id, sender)
SELECT DISTINCT m.channel_id, m.sender
FROM channels c
JOIN messages m ON m.channel_id = c.id AND m.seq > c.floor_seq
WHERE c.private = 0;
