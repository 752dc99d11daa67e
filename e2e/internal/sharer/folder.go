package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// folder is a storage with one file per key, named by the key in hexadecimal.
type folder string

func (f folder) path(key string) string {
	return filepath.Join(string(f), hex.EncodeToString([]byte(key)))
}

// SetItem writes a file beside the key's and renames it, for readers that look
// at any moment.
func (f folder) SetItem(_ context.Context, key, value string) error {
	temp := f.path(key) + ".go"
	if err := os.WriteFile(temp, []byte(value), 0o600); err != nil {
		return err
	}
	return os.Rename(temp, f.path(key))
}

func (f folder) Item(_ context.Context, key string) (value string, ok bool, err error) {
	data, err := os.ReadFile(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return string(data), err == nil, err
}

func (f folder) RemoveItem(_ context.Context, key string) error {
	if err := os.Remove(f.path(key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f folder) Clear(context.Context) error {
	entries, err := os.ReadDir(string(f))
	for _, entry := range entries {
		err = errors.Join(err, os.Remove(filepath.Join(string(f), entry.Name())))
	}
	return err
}
