-- Identity pools, their identities, and whose these are. Signing keys belong to
-- a pool of either kind from now on: triggers do what a foreign key did.

CREATE TABLE identity_pools (
    id          TEXT NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    settings    BLOB NOT NULL,
    created_at  INTEGER,
    modified_at INTEGER
) STRICT;

CREATE TABLE identities (
    id          TEXT NOT NULL PRIMARY KEY,
    pool_id     TEXT NOT NULL REFERENCES identity_pools (id) ON DELETE CASCADE,
    logins      TEXT NOT NULL,
    disabled    INTEGER NOT NULL,
    merged_into TEXT NOT NULL,
    created_at  INTEGER,
    modified_at INTEGER
) STRICT;
CREATE INDEX identities_by_pool ON identities (pool_id, id);

CREATE TABLE identity_logins (
    pool_id     TEXT NOT NULL,
    provider    TEXT NOT NULL,
    subject     TEXT NOT NULL,
    identity_id TEXT NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    PRIMARY KEY (pool_id, provider, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_logins_by_identity ON identity_logins (identity_id);

CREATE TABLE pool_keys (
    pool_id     TEXT NOT NULL,
    id          TEXT NOT NULL,
    use         TEXT NOT NULL,
    public_key  BLOB NOT NULL,
    private_key BLOB NOT NULL,
    created_at  INTEGER,
    active_at   INTEGER,
    retire_at   INTEGER,
    PRIMARY KEY (pool_id, id)
) STRICT;
INSERT INTO pool_keys SELECT pool_id, id, use, public_key, private_key, created_at, active_at, retire_at FROM signing_keys;
DROP TABLE signing_keys;
ALTER TABLE pool_keys RENAME TO signing_keys;

CREATE TRIGGER pools_without_keys AFTER DELETE ON pools
BEGIN DELETE FROM signing_keys WHERE pool_id = old.id; END;
CREATE TRIGGER identity_pools_without_keys AFTER DELETE ON identity_pools
BEGIN DELETE FROM signing_keys WHERE pool_id = old.id; END;
