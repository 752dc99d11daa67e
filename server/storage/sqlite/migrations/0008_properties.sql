-- Named values of the whole database, such as the ids of the master keys that it was sealed with.

CREATE TABLE properties (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
