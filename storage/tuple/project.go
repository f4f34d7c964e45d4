package tuple

import (
	"encoding/binary"
	"slices"

	"gompho/types"
)

// Projection is a choice of attributes to decode, prepared once per scan.
//
// Its columns are numbered by their place in the choice: decoding puts attribute cols[k] into column k.
type Projection struct {
	l     *Layout
	cols  []int   // attribute of each column, as given
	want  []int32 // for attribute i up to last: the first column that wants it, -1 none
	dup   []int32 // next column that wants the same attribute, -1 none; nil when there are no duplicates
	first int     // the first attribute wanted
	last  int     // number of attributes to walk
	fast  int     // attributes below this have fixed positions as long as no null comes before them

	// words are the wanted attributes of fixed position that are words in memory: in a tuple without nulls they are
	// read without a walk. rest is want without them, firstRest the first attribute wanted there, or last.
	words     []fixedWord
	wordsEnd  int // bytes of data that words need
	rest      []int32
	firstRest int
}

// fixedWord is an attribute at a known position.
type fixedWord struct {
	off  int32
	col  int32
	rep  rep
	size uint8
}

// Project prepares decoding of the attributes cols, numbered from 0. Negative ones keep their column, a word, for the caller to fill.
func (l *Layout) Project(cols []int) *Projection {
	p := &Projection{l: l, cols: cols, first: len(l.cols)}
	for _, c := range cols {
		p.last = max(p.last, c+1)
		if c >= 0 {
			p.first = min(p.first, c)
		}
	}
	p.want = make([]int32, p.last)
	for i := range p.want {
		p.want[i] = -1
	}
	for k, c := range cols {
		if c < 0 {
			continue
		}
		if p.want[c] >= 0 {
			p.addDup(p.want[c], int32(k))
			continue
		}
		p.want[c] = int32(k)
	}
	p.fast = min(l.fixed, p.last)
	p.findWords()
	return p
}

func (p *Projection) findWords() {
	p.rest = slices.Clone(p.want)
	p.firstRest = p.last
	for i, k := range p.want {
		c := &p.l.cols[i]
		if k < 0 {
			continue
		}
		if i >= p.fast || c.isBytes() || c.off < 0 || p.dup != nil {
			p.firstRest = min(p.firstRest, i)
			continue
		}
		p.words = append(p.words, fixedWord{off: c.off, col: k, rep: c.rep, size: uint8(c.size)})
		p.wordsEnd = max(p.wordsEnd, int(c.off+c.size))
		p.rest[i] = -1
	}
}

// readWords reads the words of a tuple without nulls.
func (p *Projection) readWords(data []byte, s vectorSink) {
	for i := range p.words {
		f := &p.words[i]
		var w uint64
		switch b := data[f.off:]; f.rep {
		case repInt4:
			w = uint64(int64(int32(binary.LittleEndian.Uint32(b))))
		case repWord8:
			w = binary.LittleEndian.Uint64(b)
		default:
			w = wordOf(f.rep, b[:f.size])
		}
		s.cols[f.col].W[s.row] = w
	}
}

func (p *Projection) addDup(first, k int32) {
	if p.dup == nil {
		p.dup = make([]int32, len(p.cols))
		for i := range p.dup {
			p.dup[i] = -1
		}
	}
	for p.dup[first] >= 0 {
		first = p.dup[first]
	}
	p.dup[first] = k
}

// Cols returns the attributes chosen.
func (p *Projection) Cols() []int { return p.cols }

// NewBatch makes a batch with a column per chosen attribute and room for capacity rows.
func (p *Projection) NewBatch(capacity int) *types.Batch {
	b := &types.Batch{Cols: make([]*types.Vector, len(p.cols))}
	for k, c := range p.cols {
		kind := types.WordKind
		if c >= 0 {
			kind = p.l.Kind(c)
		}
		b.Cols[k] = types.NewVector(kind, capacity)
	}
	return b
}
