package sqlite

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var embedded embed.FS

// applicationID marks a database as Latchkey's in the file's header, so that
// another program's database is refused instead of filled with our tables.
const applicationID = 0x4c54434b // "LTCK"

// A migration is one step of the schema, from a file named 0001_what_for.sql.
// Steps only go forward, and a step that was released is never edited.
type migration struct {
	version  int64
	name     string
	sql      string
	checksum string // SHA-256 of the file, in hex
}

// migrations reads the steps in a tree's folder of that name, which number 1, 2,
// 3 and so on.
func migrations(dir fs.FS) ([]migration, error) {
	files, err := fs.Glob(dir, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var steps []migration
	for i, file := range files { // Glob sorts by name
		text, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil || version != int64(i+1) {
			return nil, fmt.Errorf("migration %s: number %04d expected", file, i+1)
		}
		sum := sha256.Sum256(text)
		steps = append(steps, migration{version, path.Base(file), string(text), hex.EncodeToString(sum[:])})
	}
	return steps, nil
}

// migrate brings the database behind c to the newest step, each in its own
// transaction. It refuses a database that is not Latchkey's, that a newer
// Latchkey wrote, or whose applied steps differ from these.
func migrate(c *conn, steps []migration) error {
	if err := claim(c); err != nil {
		return err
	}
	applied, err := appliedSteps(c)
	if err != nil {
		return err
	}
	if len(applied) > len(steps) {
		return fmt.Errorf("its schema is version %d and this Latchkey knows up to %d: use a newer Latchkey", len(applied), len(steps))
	}
	for i, sum := range applied {
		if sum != steps[i].checksum {
			return fmt.Errorf("schema step %s differs from the one that was applied: use the Latchkey that wrote this database", steps[i].name)
		}
	}
	for _, step := range steps[len(applied):] {
		if err := apply(c, step); err != nil {
			return fmt.Errorf("schema step %s: %w", step.name, err)
		}
	}
	return nil
}

// claim marks an empty database as Latchkey's, and refuses one that is neither.
func claim(c *conn) error {
	var id, tables int64
	if err := c.one("PRAGMA application_id", func(r *row) { id = r.integer() }); err != nil {
		return err
	}
	if err := c.one("SELECT count(*) FROM sqlite_schema", func(r *row) { tables = r.integer() }); err != nil {
		return err
	}
	switch {
	case id == applicationID:
	case id != 0 || tables != 0:
		return fmt.Errorf("it is the database of another program: name another file")
	default:
		if err := c.script(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
	}
	return c.script(`CREATE TABLE IF NOT EXISTS schema_migrations (
		version    INTEGER NOT NULL PRIMARY KEY,
		name       TEXT NOT NULL,
		checksum   TEXT NOT NULL,
		applied_at INTEGER NOT NULL
	) STRICT`)
}

// appliedSteps lists the checksums of the steps that were applied, in order.
func appliedSteps(c *conn) ([]string, error) {
	var sums []string
	err := c.query("SELECT version, checksum FROM schema_migrations ORDER BY version", func(r *row) error {
		if version := r.integer(); version != int64(len(sums)+1) {
			return fmt.Errorf("its schema has no step %d: restore it from a backup", len(sums)+1)
		}
		sums = append(sums, r.text())
		return nil
	})
	return sums, err
}

func apply(c *conn, step migration) error {
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := c.script(step.sql)
	if err == nil {
		_, err = c.exec("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
			step.version, step.name, step.checksum, time.Now().UnixMicro())
	}
	if err == nil {
		err = c.script("COMMIT")
	}
	if err != nil {
		_ = c.script("ROLLBACK") // the first error is the one to tell
	}
	return err
}
