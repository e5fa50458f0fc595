package graphql

// The bounds of what is remembered.
const (
	maxAnswers     = 64
	maxAnswerBytes = 8 << 20 // of keys and bodies
)

// answers are those to the questions that were asked last. The zero value is empty.
type answers struct {
	byKey map[string]*answered
	order []string // of the keys, the oldest first
	bytes int
}

func (a *answers) get(key string) *answered { return a.byKey[key] }

func (a *answers) put(key string, answer *answered) {
	size := len(key) + len(answer.body)
	if _, known := a.byKey[key]; known || size > maxAnswerBytes/4 {
		return
	}
	for len(a.order) >= maxAnswers || a.bytes+size > maxAnswerBytes {
		oldest := a.order[0]
		a.bytes -= len(oldest) + len(a.byKey[oldest].body)
		delete(a.byKey, oldest)
		a.order = a.order[1:]
	}
	if a.byKey == nil {
		a.byKey = make(map[string]*answered)
	}
	a.byKey[key] = answer
	a.order = append(a.order, key)
	a.bytes += size
}
