-- Where the user of a session signed in. Of sessions from before that is not known: a user
-- whose status is EXTERNAL_PROVIDER signed in at the provider that the user was made for, any
-- other user with a password.

ALTER TABLE sessions ADD COLUMN provider TEXT NOT NULL DEFAULT '';
UPDATE sessions SET provider = coalesce((
    SELECT json_extract(u.attributes ->> 'identities', '$[0].providerName') FROM users u
    WHERE u.pool_id = sessions.pool_id AND u.sub = sessions.user_sub
        AND u.status = 'EXTERNAL_PROVIDER' AND json_valid(u.attributes ->> 'identities')), '');
CREATE INDEX sessions_by_provider ON sessions (pool_id, provider) WHERE provider <> '';
