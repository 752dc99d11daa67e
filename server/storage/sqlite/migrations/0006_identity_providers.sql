-- Other providers whose users sign in to user pools.

CREATE TABLE identity_providers (
    pool_id     TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    settings    BLOB NOT NULL,
    created_at  INTEGER,
    modified_at INTEGER,
    PRIMARY KEY (pool_id, name)
) STRICT, WITHOUT ROWID;
