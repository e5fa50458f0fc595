package rest

import "storage_exporter/volume"

// Judged makes the health of a verdict. Its text is cut at longest characters: an
// appliance's words may be of any length. Facts may be nil.
func Judged(v volume.Verdict, longest int, facts map[string]string) volume.Health {
	return volume.Health{Status: v.Status(), Info: Clean(v.Words(), longest), Metadata: facts}
}

// Facts drops the empty facts and cuts the others at longest characters.
func Facts(facts map[string]string, longest int) map[string]string {
	for key, fact := range facts {
		if facts[key] = Clean(fact, longest); facts[key] == "" {
			delete(facts, key)
		}
	}
	return facts
}
