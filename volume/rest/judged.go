package rest

import "storage_exporter/volume"

// Judged is the health that a verdict makes, in so many characters at most: an
// appliance's words may be of any length. Nil facts are none.
func Judged(v volume.Verdict, longest int, facts map[string]string) volume.Health {
	return volume.Health{Status: v.Status(), Info: Clean(v.Words(), longest), Metadata: facts}
}

// Facts are those that there are, each in so many characters at most.
func Facts(facts map[string]string, longest int) map[string]string {
	for key, fact := range facts {
		if facts[key] = Clean(fact, longest); facts[key] == "" {
			delete(facts, key)
		}
	}
	return facts
}
