package redact

// automaton finds all keywords in a text in one pass, whatever their number.
// It is the construction of Aho and Corasick, laid out as one table: a row for
// each state, a column for each class of bytes that the keywords tell apart.
// ASCII letters match in either case.
type automaton struct {
	class [256]uint8
	width uint32
	next  []uint32  // row start of the following state; hitBit if it ends a keyword
	ends  [][]int32 // by state: the keywords that end there
	lens  []int32   // by keyword
}

// hitBit marks an entry of next whose state ends at least one keyword.
const hitBit = 1 << 31

// newAutomaton builds the table for keywords, which must be lower case and not
// empty. Hits name a keyword by its index.
func newAutomaton(keywords []string) *automaton {
	a := &automaton{}
	a.classify(keywords)
	a.grow(keywords)
	a.link()
	return a
}

// classify gives each byte that occurs in a keyword a column of its own and
// all others column 0.
func (a *automaton) classify(keywords []string) {
	a.width = 1
	for _, k := range keywords {
		a.lens = append(a.lens, int32(len(k)))
		for i := range len(k) {
			if a.class[k[i]] == 0 {
				a.class[k[i]] = uint8(a.width)
				a.width++
			}
		}
	}
	for c := 'A'; c <= 'Z'; c++ {
		a.class[c] = a.class[c+'a'-'A']
	}
}

// grow makes the tree of the keywords. A zero entry means "no child".
func (a *automaton) grow(keywords []string) {
	states := 1 // at most; what is not used is never touched
	for _, k := range keywords {
		states += len(k)
	}
	a.next = make([]uint32, 0, states*int(a.width))
	a.ends = make([][]int32, 0, states)
	a.newState()
	for id, k := range keywords {
		at := uint32(0)
		for i := range len(k) {
			edge := at + uint32(a.class[k[i]])
			if a.next[edge] == 0 {
				a.next[edge] = a.newState()
			}
			at = a.next[edge]
		}
		state := at / a.width
		a.ends[state] = append(a.ends[state], int32(id))
	}
}

func (a *automaton) newState() uint32 {
	row := uint32(len(a.next))
	a.next = a.next[:len(a.next)+int(a.width)]
	a.ends = append(a.ends, nil)
	return row
}

// link fills the missing edges, nearest states first: a state without a child
// for a byte goes where its longest proper suffix goes.
func (a *automaton) link() {
	suffix := make([]uint32, len(a.ends))
	var queue []uint32
	for c := range a.width {
		if child := a.next[c]; child != 0 {
			queue = append(queue, child)
		}
	}
	for len(queue) > 0 {
		row := queue[0]
		queue = queue[1:]
		fall := suffix[row/a.width]
		state := row / a.width
		a.ends[state] = append(a.ends[state], a.ends[fall/a.width]...)
		for c := range a.width {
			child := a.next[row+c]
			if child == 0 {
				a.next[row+c] = a.next[fall+c]
				continue
			}
			suffix[child/a.width] = a.next[fall+c]
			queue = append(queue, child)
		}
	}
	for i, row := range a.next {
		if len(a.ends[row/a.width]) > 0 {
			a.next[i] = row | hitBit
		}
	}
}
