-- When the last token of a session expires, entries for users in the feed of
-- revocations, and indexes for lists of users by status.

ALTER TABLE sessions ADD COLUMN tokens_end_at INTEGER;
-- No token lives longer than a day, and one that was issued again after its answer
-- was lost is at most a day younger than the refresh.
UPDATE sessions SET tokens_end_at = refreshed_at + 2 * 86400000000;
DROP INDEX sessions_by_user;
CREATE INDEX sessions_by_user ON sessions (pool_id, user_sub, revoked_at);

ALTER TABLE revocations ADD COLUMN user_sub TEXT NOT NULL DEFAULT '';
ALTER TABLE revocations ADD COLUMN issued_at INTEGER;
ALTER TABLE revocations ADD COLUMN before_time INTEGER;
ALTER TABLE revocations ADD COLUMN except_ids TEXT NOT NULL DEFAULT '[]';
ALTER TABLE revocations ADD COLUMN replaced_ids TEXT NOT NULL DEFAULT '[]';
CREATE INDEX revocations_by_user ON revocations (pool_id, user_sub, issued_at) WHERE before_time IS NULL;
CREATE UNIQUE INDEX revocations_for_users ON revocations (pool_id, user_sub) WHERE before_time IS NOT NULL;

CREATE INDEX users_by_status ON users (pool_id, status, sub);
CREATE INDEX users_by_enabled ON users (pool_id, enabled, sub);
