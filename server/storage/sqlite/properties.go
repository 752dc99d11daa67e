package sqlite

type properties struct{ *txn }

func (t properties) Property(name string) (value []byte, err error) {
	err = t.one("property "+name, `SELECT value FROM properties WHERE name = $1`,
		func(r *row) { value = r.blob() }, name)
	return value, err
}

func (t properties) Put(name string, value []byte) error {
	_, err := t.exec(`INSERT INTO properties (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
