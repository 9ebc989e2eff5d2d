package audit

// reach looks at the checkpoints up to where the tree is now.
func (x *examination) reach() {
	for x.next < len(x.marks) && x.marks[x.next].Size <= x.tree.size {
		m := x.marks[x.next]
		x.next++
		if x.signed(&m) && m.Size == x.tree.size { // else entries are missing there
			x.hold(m)
		}
	}
}

// end looks at the checkpoints behind the end of the log: entries that they were
// made of are missing.
func (x *examination) end() {
	x.reach() // those of no entries, if there are none
	for ; x.next < len(x.marks); x.next++ {
		if m := x.marks[x.next]; x.signed(&m) {
			x.cut = m
		}
	}
	if x.cut.Size > 0 {
		x.fault(x.tree.size+1, Truncated, "the log ends with entry %d, and %s checkpoint was made of %d", x.tree.size, x.cut.place(), x.cut.Size)
	}
}

// signed opens a checkpoint, and compares it with another one of its size.
func (x *examination) signed(m *mark) bool {
	if !m.outside {
		s, err := x.verifier.open(m.note)
		switch {
		case err != nil:
			x.fault(m.Size, BadSignature, "checkpoint of %d entries in the log: %v", m.Size, err)
			return false
		case s.Size != m.Size:
			x.fault(m.Size, BadSignature, "the checkpoint that the log has for %d entries was signed for %d", m.Size, s.Size)
			return false
		}
		m.Statement = s
	}
	if x.last.Origin != "" && x.last.Size == m.Size && x.last.Root != m.Root {
		x.fault(m.Size, Fork, "the log's key signed two different logs of %d entries", m.Size)
	}
	x.last = *m
	return true
}

// hold compares a checkpoint with the tree of its size.
func (x *examination) hold(m mark) {
	if m.Root != x.tree.Root() {
		if x.unheld || x.unsure != 0 { // a fault tells of these entries already
			return
		}
		x.unheld = true
		x.fault(x.held+1, Inconsistent, "the first %d entries are not those that %s checkpoint was made of: some behind entry %d were replaced", m.Size, m.place(), x.held)
		return
	}
	x.held, x.unheld, x.unsure = m.Size, false, 0
	if !m.outside {
		x.report.Checkpoints++
		x.report.LastCheckpoint = m.Statement
	}
}

func (m mark) place() string {
	if m.outside {
		return "an outside"
	}
	return "the log's own"
}
