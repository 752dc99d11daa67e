-- The feed of ended sessions, and the highest numbers of each pool's feed. They
-- outlive the entries, so that a number is never given out twice.

CREATE TABLE revocations (
    pool_id    TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    session_id TEXT NOT NULL,
    origin_jti TEXT NOT NULL,
    at         INTEGER,
    until_time INTEGER NOT NULL,
    PRIMARY KEY (pool_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_by_until ON revocations (until_time);

CREATE TABLE revocation_feeds (
    pool_id    TEXT NOT NULL PRIMARY KEY REFERENCES pools (id) ON DELETE CASCADE,
    pruned_seq INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
