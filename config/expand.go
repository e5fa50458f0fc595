package config

import (
	"fmt"
	"regexp"
)

// lookupEnv is os.LookupEnv, or a test's.
type lookupEnv func(name string) (string, bool)

var reference = regexp.MustCompile(`\$?\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

// expand replaces each ${NAME} by the variable. $${NAME} stands for ${NAME}
// itself. Every other dollar is left alone: the passwords in a storage proxy's
// file mean what they say. What a variable holds is not expanded again.
func (env lookupEnv) expand(s string) (string, error) {
	var missing error
	out := reference.ReplaceAllStringFunc(s, func(ref string) string {
		if ref[1] == '$' {
			return ref[1:]
		}
		name := ref[2 : len(ref)-1]
		value, ok := env(name)
		if !ok && missing == nil {
			missing = fmt.Errorf("the environment variable %s is not set: set it, or write $${%s} for the text itself", name, name)
		}
		return value
	})
	if missing != nil {
		return "", missing
	}
	return out, nil
}

// expandAll expands a value and all that is within it.
func expandAll(env lookupEnv, v any) (any, error) {
	switch v := v.(type) {
	case string:
		return env.expand(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			x, err := expandAll(env, e)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	}
	return v, nil
}
