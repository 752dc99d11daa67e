-- When a guest's identity was last used, and an index of guests by that time.

ALTER TABLE identities ADD COLUMN used_at INTEGER;
CREATE INDEX identities_of_guests ON identities (coalesce(used_at, created_at)) WHERE disabled = 0 AND logins = '[]';
