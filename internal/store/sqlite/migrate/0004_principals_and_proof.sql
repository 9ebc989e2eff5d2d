ALTER TABLE audit ADD COLUMN hashes BLOB NOT NULL DEFAULT x'';

CREATE TRIGGER audit_has_hashes
BEFORE INSERT ON audit
WHEN length(new.hashes) < 32
BEGIN
	SELECT RAISE(ABORT, 'this database was upgraded while an older agentbridge had it open, which can no longer write to it; restart this program with the new version');
END;

CREATE TABLE checkpoints (
	size INTEGER PRIMARY KEY,
	note TEXT    NOT NULL
) STRICT;

CREATE TABLE agents (
	name       TEXT    PRIMARY KEY,
	roles      TEXT    NOT NULL,
	scopes     TEXT    NOT NULL,
	subject    TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	revoked_at INTEGER,
	lifetime   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX agents_by_subject ON agents (subject) WHERE subject <> '';

CREATE TABLE credentials (
	id         TEXT    PRIMARY KEY,
	agent      TEXT    NOT NULL REFERENCES agents (name),
	digest     BLOB    NOT NULL CHECK (length(digest) = 32),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	rotated_at INTEGER,
	used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX credentials_of_agent ON credentials (agent);

ALTER TABLE conversations ADD COLUMN owner_a TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN owner_b TEXT NOT NULL DEFAULT '';

CREATE TABLE invitations (
	id              TEXT    PRIMARY KEY,
	conversation_id TEXT    NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	digest          BLOB    NOT NULL CHECK (length(digest) = 32),
	expires_at      INTEGER NOT NULL,
	tries           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX invitations_expired ON invitations (expires_at);
CREATE INDEX invitations_of_conversation ON invitations (conversation_id);

ALTER TABLE messages ADD COLUMN verified INTEGER NOT NULL DEFAULT 0 CHECK (verified = 0 OR verified = 1);
ALTER TABLE messages ADD COLUMN sealed_by TEXT;
ALTER TABLE messages ADD COLUMN sealed BLOB CHECK ((sealed IS NULL) = (sealed_by IS NULL));
