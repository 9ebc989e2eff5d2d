-- The schema as it stands after every migration in migrate/. A test holds the
-- two together; read this one, change the other.

-- Who is known by name, and what they may do.
CREATE TABLE agents (
	name       TEXT    PRIMARY KEY,
	roles      TEXT    NOT NULL, -- with commas between
	scopes     TEXT    NOT NULL, -- the same
	subject    TEXT    NOT NULL, -- of an identity provider, '' if the agent has credentials here
	created_at INTEGER NOT NULL,
	revoked_at INTEGER,
	lifetime   INTEGER NOT NULL  -- of its credentials, in seconds
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX agents_by_subject ON agents (subject) WHERE subject <> '';

CREATE TABLE audit (
	seq    INTEGER PRIMARY KEY, -- 1, 2, 3 … without a gap: nothing is ever deleted here
	at     INTEGER NOT NULL,    -- microseconds since 1970, UTC, like every time below
	actor  TEXT    NOT NULL,
	action TEXT    NOT NULL,
	target TEXT    NOT NULL,    -- channel or conversation; also the topic that rings
	detail TEXT,                -- JSON object of ids, sizes and counts; never message text
	hashes BLOB    NOT NULL DEFAULT x'' -- of the tree over all entries: this one's leaf, and the nodes that it completes
) STRICT;

-- Entries of one conversation are looked up by people; entries of channels
-- are many and are read by position only.
CREATE INDEX audit_of_conversations ON audit (target)
	WHERE target >= 'conv_' AND target < 'conv`';

-- A process of an earlier version that had the file open when it was upgraded
-- knows neither hashes nor encryption. It writes an entry with each change, and
-- so can't change anything any more.
CREATE TRIGGER audit_has_hashes
BEFORE INSERT ON audit
WHEN length(new.hashes) < 32
BEGIN
	SELECT RAISE(ABORT, 'this database was upgraded while an older agentbridge had it open, which can no longer write to it; restart this program with the new version');
END;

-- How much of their limits has been used, of those who used any lately. A
-- bucket that is full again is as good as none and is dropped.
CREATE TABLE buckets (
	key     TEXT    PRIMARY KEY, -- what is limited, and whose
	state   BLOB    NOT NULL,    -- the engine's
	full_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX buckets_full ON buckets (full_at);

CREATE TABLE channels (
	id        INTEGER PRIMARY KEY,
	name      TEXT    NOT NULL UNIQUE,
	private   INTEGER NOT NULL CHECK (private IN (0, 1)), -- 1: a conversation
	floor_seq INTEGER NOT NULL DEFAULT 0, -- messages up to here are removed: cleared or expired;
	floor_nth INTEGER NOT NULL DEFAULT 0, -- so many they were,
	expired_nth INTEGER NOT NULL DEFAULT 0 -- and so many of them expired
) STRICT;

-- Signed statements of what the audit log was when it had so many entries.
CREATE TABLE checkpoints (
	size INTEGER PRIMARY KEY,
	note TEXT    NOT NULL
) STRICT;

CREATE TABLE conversations (
	id         TEXT    PRIMARY KEY CHECK (id GLOB 'conv_*'),
	role_a     TEXT    NOT NULL,
	role_b     TEXT    NOT NULL,
	generation INTEGER NOT NULL CHECK (generation >= 1), -- of the tokens; no token is stored
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	owner_a    TEXT    NOT NULL DEFAULT '', -- the agent to which the seat belongs,
	owner_b    TEXT    NOT NULL DEFAULT ''  -- '' if to whoever has its token
) STRICT, WITHOUT ROWID;

-- The tokens of agents, as their digests.
CREATE TABLE credentials (
	id         TEXT    PRIMARY KEY, -- public
	agent      TEXT    NOT NULL REFERENCES agents (name),
	digest     BLOB    NOT NULL CHECK (length(digest) = 32),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL, -- brought forward by rotation and revocation
	rotated_at INTEGER,
	used_at    INTEGER           -- about
) STRICT, WITHOUT ROWID;

CREATE INDEX credentials_of_agent ON credentials (agent);

CREATE TABLE cursors (
	channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
	consumer   TEXT    NOT NULL,
	seq        INTEGER NOT NULL,
	message_id TEXT    NOT NULL,
	updated_at INTEGER NOT NULL,
	metadata   TEXT,
	PRIMARY KEY (channel_id, consumer)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
	channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
	sender     TEXT    NOT NULL,
	key        TEXT    NOT NULL,
	digest     BLOB    NOT NULL CHECK (length(digest) = 32),
	seq        INTEGER NOT NULL, -- the message that was stored; a cleared one frees its key
	id         TEXT    NOT NULL,
	sent_at    INTEGER NOT NULL,
	PRIMARY KEY (channel_id, sender, key)
) STRICT, WITHOUT ROWID;

-- Codes that admit to seat b of a conversation, as digests made with the key.
CREATE TABLE invitations (
	id              TEXT    PRIMARY KEY, -- what of the code is no secret
	conversation_id TEXT    NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	digest          BLOB    NOT NULL CHECK (length(digest) = 32),
	expires_at      INTEGER NOT NULL,
	tries           INTEGER NOT NULL -- wrong codes so far
) STRICT, WITHOUT ROWID;

CREATE INDEX invitations_expired ON invitations (expires_at);
CREATE INDEX invitations_of_conversation ON invitations (conversation_id);

CREATE TABLE messages (
	seq        INTEGER PRIMARY KEY, -- never used again: see the setting last_seq
	id         TEXT    NOT NULL,    -- unique because it holds seq
	channel_id INTEGER NOT NULL REFERENCES channels (id),
	nth        INTEGER NOT NULL,    -- 1, 2, 3 … in its channel: what makes counting free
	sent_at    INTEGER NOT NULL,
	sender     TEXT    NOT NULL,
	encoding   TEXT    NOT NULL CHECK (encoding = 'legacy_text' OR encoding = 'legacy_json'
		OR encoding = 'structured' OR encoding = 'unsupported' OR encoding = 'invalid'), -- IN would build a table for each insert
	metadata   TEXT,
	content    TEXT    NOT NULL, -- '' if it is sealed
	verified   INTEGER NOT NULL DEFAULT 0 CHECK (verified = 0 OR verified = 1), -- 1: the sender's own credential stood behind it
	sealed_by  TEXT,             -- the id of the key that content and metadata are encrypted with,
	sealed     BLOB CHECK ((sealed IS NULL) = (sealed_by IS NULL)) -- and they
) STRICT;

CREATE INDEX messages_of_channel ON messages (channel_id); -- and by seq, which every index ends with

CREATE TABLE presence (
	channel_id   INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
	agent        TEXT    NOT NULL,
	status       TEXT    NOT NULL, -- '' if none was reported
	heartbeat_at INTEGER NOT NULL,
	PRIMARY KEY (channel_id, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipts (
	channel_id    INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
	recipient     TEXT    NOT NULL,
	seq           INTEGER NOT NULL,
	state         TEXT    NOT NULL CHECK (state = 'stored' OR state = 'offered' OR state = 'injected'),
	offer         TEXT,    -- names the reply that carries it, while state is 'offered'
	offered_until INTEGER, -- then it waits again
	attempts      INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (channel_id, recipient, seq),
	CHECK ((state = 'offered') = (offer IS NOT NULL)),
	CHECK ((state = 'offered') = (offered_until IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX receipts_unread ON receipts (channel_id, recipient, seq) WHERE state <> 'injected';
CREATE INDEX receipts_of_offer ON receipts (offer) WHERE offer IS NOT NULL;

-- Who wrote in a public channel since it was last empty.
CREATE TABLE senders (
	channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
	sender     TEXT    NOT NULL,
	PRIMARY KEY (channel_id, sender)
) STRICT, WITHOUT ROWID;

-- last_seq: messages up to here have been numbered, even if they are gone.
-- key_fingerprint: tells the master key this database was made with from others.
CREATE TABLE settings (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
