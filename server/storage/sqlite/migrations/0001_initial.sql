-- Times are microseconds since 1970 in UTC; NULL stands for "never".
-- user_logins and user_attributes are what users are found by; the users row
-- holds both lists as JSON, so that a user is read in one go.

CREATE TABLE pools (
    id          TEXT NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    settings    BLOB NOT NULL,
    created_at  INTEGER,
    modified_at INTEGER
) STRICT;

CREATE TABLE clients (
    id          TEXT NOT NULL PRIMARY KEY,
    pool_id     TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    secret      BLOB NOT NULL,
    settings    BLOB NOT NULL,
    created_at  INTEGER,
    modified_at INTEGER
) STRICT;
CREATE INDEX clients_by_pool ON clients (pool_id, id);

CREATE TABLE users (
    pool_id         TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    sub             TEXT NOT NULL,
    username        TEXT NOT NULL,
    logins          TEXT NOT NULL,
    status          TEXT NOT NULL,
    enabled         INTEGER NOT NULL,
    attributes      TEXT NOT NULL,
    salt            BLOB NOT NULL,
    verifier        BLOB NOT NULL,
    password_epoch  INTEGER NOT NULL,
    temporary_until INTEGER,
    sign_outs       INTEGER NOT NULL,
    created_at      INTEGER,
    modified_at     INTEGER,
    PRIMARY KEY (pool_id, sub)
) STRICT;
CREATE INDEX users_by_username ON users (pool_id, username, sub);

CREATE TABLE user_logins (
    pool_id TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    login   TEXT NOT NULL,
    sub     TEXT NOT NULL,
    PRIMARY KEY (pool_id, login)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_attributes (
    pool_id TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    sub     TEXT NOT NULL,
    PRIMARY KEY (pool_id, name, value, sub)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_groups (
    pool_id     TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    role_arn    TEXT NOT NULL,
    precedence  INTEGER,
    created_at  INTEGER,
    modified_at INTEGER,
    PRIMARY KEY (pool_id, name)
) STRICT;

CREATE TABLE members (
    pool_id    TEXT NOT NULL,
    group_name TEXT NOT NULL,
    sub        TEXT NOT NULL,
    PRIMARY KEY (pool_id, group_name, sub),
    FOREIGN KEY (pool_id, group_name) REFERENCES user_groups (pool_id, name) ON DELETE CASCADE,
    FOREIGN KEY (pool_id, sub) REFERENCES users (pool_id, sub) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (pool_id, sub, group_name);

CREATE TABLE sessions (
    id           TEXT NOT NULL PRIMARY KEY,
    pool_id      TEXT NOT NULL,
    client_id    TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_sub     TEXT NOT NULL,
    origin_jti   TEXT NOT NULL,
    device_key   TEXT NOT NULL,
    scope        TEXT NOT NULL,
    user_epoch   INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    created_at   INTEGER,
    refreshed_at INTEGER,
    rotated_at   INTEGER,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    FOREIGN KEY (pool_id, user_sub) REFERENCES users (pool_id, sub) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (pool_id, user_sub);
CREATE INDEX sessions_by_client ON sessions (client_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX sessions_by_revocation ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE signing_keys (
    pool_id     TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    id          TEXT NOT NULL,
    use         TEXT NOT NULL,
    public_key  BLOB NOT NULL,
    private_key BLOB NOT NULL,
    created_at  INTEGER,
    active_at   INTEGER,
    retire_at   INTEGER,
    PRIMARY KEY (pool_id, id)
) STRICT;

CREATE TABLE attempts (
    id           TEXT NOT NULL PRIMARY KEY,
    failures     INTEGER NOT NULL,
    last_at      INTEGER,
    locked_until INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_last ON attempts (last_at);

CREATE TABLE spent (
    id         TEXT NOT NULL PRIMARY KEY,
    until_time INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_by_until ON spent (until_time);
