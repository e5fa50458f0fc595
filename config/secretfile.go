package config

import (
	"errors"
	"fmt"
	"strings"

	"storage_exporter/internal/secret"
)

// readSecret reads a file that holds a secret. The errors do not name the file: the
// path may be a password written to the wrong key.
func readSecret(path string) (secret.Text, error) {
	if !strings.HasPrefix(path, "/") {
		return secret.Text{}, errors.New("must be the absolute path of a file that holds the secret")
	}
	s, err := secret.Read(path)
	switch {
	case err != nil:
		return s, fmt.Errorf("cannot be read: %w", err)
	case s.Reveal() == "":
		return s, errors.New("the file is empty")
	}
	return s, nil
}
