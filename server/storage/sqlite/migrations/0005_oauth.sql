-- Host names of user pools' sign-in, and the APIs whose scopes they hand out.

CREATE TABLE domains (
    name        TEXT NOT NULL PRIMARY KEY,
    pool_id     TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    settings    BLOB NOT NULL,
    created_at  INTEGER,
    modified_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX domains_by_pool ON domains (pool_id, name);

CREATE TABLE resource_servers (
    pool_id     TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    identifier  TEXT NOT NULL,
    name        TEXT NOT NULL,
    settings    BLOB NOT NULL,
    created_at  INTEGER,
    modified_at INTEGER,
    PRIMARY KEY (pool_id, identifier)
) STRICT, WITHOUT ROWID;
