-- Passwords that users had before, as salts and sealed verifiers, in pools with a password history.

CREATE TABLE former_passwords (
    pool_id  TEXT NOT NULL,
    user_sub TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    salt     BLOB NOT NULL,
    verifier BLOB NOT NULL,
    PRIMARY KEY (pool_id, user_sub, epoch),
    FOREIGN KEY (pool_id, user_sub) REFERENCES users (pool_id, sub) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
