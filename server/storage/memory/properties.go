package memory

import "bytes"

type properties struct{ *tx }

func (t properties) Property(name string) ([]byte, error) {
	if err := t.reads(); err != nil {
		return nil, err
	}
	value, ok := t.properties.get(key{name})
	if !ok {
		return nil, notFound("property", name)
	}
	return bytes.Clone(value), nil
}

func (t properties) Put(name string, value []byte) error {
	if err := t.changes(); err != nil {
		return err
	}
	t.properties = t.properties.put(key{name}, bytes.Clone(value))
	return nil
}
