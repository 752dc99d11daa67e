-- Looks of sign-in pages: a client's own, or, without a client, the pool's.

CREATE TABLE brandings (
    pool_id     TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    client_id   TEXT REFERENCES clients (id) ON DELETE CASCADE,
    settings    BLOB NOT NULL,
    logo        BLOB NOT NULL,
    created_at  INTEGER,
    modified_at INTEGER
) STRICT;
CREATE UNIQUE INDEX brandings_by_pool ON brandings (pool_id, coalesce(client_id, ''));
CREATE INDEX brandings_by_client ON brandings (client_id);
