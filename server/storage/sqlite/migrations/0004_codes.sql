-- Codes that were sent to users: one a user and purpose, never the code itself.

CREATE TABLE codes (
    pool_id    TEXT NOT NULL,
    user_sub   TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    hash       BLOB NOT NULL,
    address    TEXT NOT NULL,
    tries      INTEGER NOT NULL,
    created_at INTEGER,
    expires_at INTEGER,
    PRIMARY KEY (pool_id, user_sub, purpose),
    FOREIGN KEY (pool_id, user_sub) REFERENCES users (pool_id, sub) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_by_expiry ON codes (expires_at);
