package audit

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"

	"agentbridge"

	"golang.org/x/mod/sumdb/tlog"
)

// Proven is what a proof has shown.
type Proven struct {
	Entry     []byte // the entry's text (AppendEntry)
	Seq       int64
	Statement Statement // of the checkpoint that covers it
}

// proofHeader is the first line of a proof of an entry (C2SP tlog-proof).
const proofHeader = "c2sp.org/tlog-proof@v1"

// Prove returns a text that shows to anybody who has the log's verifier, without
// the log, that an entry is one of those that a checkpoint covers (C2SP
// tlog-proof, with the entry's text as its extra data).
func Prove(log Log, seq int64, c agentbridge.Checkpoint) (string, error) {
	s, err := stated(c)
	if err != nil {
		return "", err
	}
	if seq < 1 {
		return "", agentbridge.Refuse(agentbridge.OutOfRange, "seq", "must be the number of an audit entry, which is 1 or more")
	}
	if seq > s.Size {
		return "", agentbridge.Refuse(agentbridge.NotFound, "", "the checkpoint covers audit entries 1 to %d, not %d; ask again when there is a later one", s.Size, seq)
	}
	text, err := entryText(log, seq)
	if err != nil {
		return "", err
	}
	proof, err := tlog.ProveRecord(s.Size, seq-1, keptHashes{log})
	if err != nil {
		return "", fmt.Errorf("prove audit entry %d: %w", seq, err)
	}
	if tlog.CheckRecord(proof, s.Size, s.Root, seq-1, tlog.RecordHash(text)) != nil {
		return "", tampered("prove audit entry %d", seq)
	}
	return proofHeader + "\nextra " + base64.StdEncoding.EncodeToString(text) +
		"\nindex " + strconv.FormatInt(seq-1, 10) + "\n" + lines(proof) + "\n" + c.Note, nil
}

// entryText is the text of one entry of a log.
func entryText(log Log, seq int64) (text []byte, err error) {
	err = log.WalkEntries(seq-1, func(e agentbridge.Entry, _ []byte) (bool, error) {
		if e.Seq == seq {
			text = AppendEntry(nil, e)
		}
		return false, nil
	})
	if err == nil && text == nil {
		err = agentbridge.Refuse(agentbridge.NotFound, "", "the log has no audit entry %d, although a checkpoint covers it; run agentbridge audit verify", seq)
	}
	return text, err
}

// CheckProof checks what Prove returned. It needs nothing but the text and the
// log's verifier.
func CheckProof(text, verifier string) (Proven, error) {
	head, checkpoint, ok := strings.Cut(text, "\n\n")
	fields := strings.Split(head, "\n")
	if !ok || len(fields) < 3 || fields[0] != proofHeader {
		return Proven{}, notProof("want %s, extra, index, hashes, an empty line and a checkpoint", proofHeader)
	}
	entry, ok := strings.CutPrefix(fields[1], "extra ")
	body, err := base64.StdEncoding.DecodeString(entry)
	if !ok || err != nil {
		return Proven{}, notProof("its second line does not hold the entry")
	}
	index, ok := number("index ", fields[2])
	if !ok {
		return Proven{}, notProof("its third line does not hold the entry's index")
	}
	hashes, err := parseHashes(fields[3:])
	if err != nil {
		return Proven{}, err
	}
	s, err := OpenCheckpoint(checkpoint, verifier)
	if err != nil {
		return Proven{}, fmt.Errorf("proof: %w", err)
	}
	if tlog.CheckRecord(hashes, s.Size, s.Root, index, tlog.RecordHash(body)) != nil {
		return Proven{}, fmt.Errorf("the proof is wrong: the checkpoint does not cover this entry at this place")
	}
	return Proven{Entry: body, Seq: index + 1, Statement: s}, nil
}

// stated reads a checkpoint of the log that is asked; it is not for here to
// know the key.
func stated(c agentbridge.Checkpoint) (Statement, error) {
	text, _, ok := strings.Cut(c.Note, "\n\n")
	if !ok {
		return Statement{}, errMalformed
	}
	return parse(text + "\n")
}

// keptHashes finds the tree's hashes beside the entries.
type keptHashes struct{ log Log }

// ReadHashes implements tlog.HashReader.
func (k keptHashes) ReadHashes(indexes []int64) ([]Hash, error) {
	list := make([]Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		seq := (n + 1) << level // the entry that completed the node
		hashes, err := k.log.EntryHashes(seq)
		if err != nil {
			return nil, err
		}
		if want := kept(seq); len(hashes) != want {
			return nil, &damage{seq, len(hashes), want}
		}
		list[i] = Hash(hashes[level*tlog.HashSize:])
	}
	return list, nil
}

// lines writes hashes one a line.
func lines(hashes []Hash) string {
	var b strings.Builder
	for _, h := range hashes {
		b.WriteString(h.String())
		b.WriteByte('\n')
	}
	return b.String()
}

func parseHashes(fields []string) (hashes []Hash, err error) {
	if len(fields) > 2*maxLevels {
		return nil, notProof("it has %d hashes, more than any log needs", len(fields))
	}
	for _, f := range fields {
		h, err := tlog.ParseHash(f)
		if err != nil {
			return nil, notProof("%q is not a hash", f)
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

// number reads a line of a word and a decimal without leading zeros.
func number(word, line string) (n int64, ok bool) {
	digits, ok := strings.CutPrefix(line, word)
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, ok && err == nil && n >= 0 && n < math.MaxInt64 && digits == strconv.FormatInt(n, 10)
}

func notProof(format string, args ...any) error {
	return fmt.Errorf("this is no proof: "+format, args...)
}

func tampered(format string, args ...any) error {
	return fmt.Errorf(format+": the log is not what the checkpoint was made of; run agentbridge audit verify", args...)
}
