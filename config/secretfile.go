package config

import (
	"errors"
	"fmt"
	"strings"

	"storage_exporter/internal/outside"
)

// maxSecretFile bounds what is read as a secret.
const maxSecretFile = 64 << 10

// readSecret returns the text of a file without the line ends after it. The
// errors do not name the file: the path may be a password written to the wrong
// key.
func readSecret(path string) (string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", errors.New("must be the absolute path of a file that holds the secret")
	}
	b, err := outside.ReadRegular(path, maxSecretFile)
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", err)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", errors.New("the file is empty")
	}
	return s, nil
}
