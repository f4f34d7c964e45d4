package commands

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/stats"
	"gompho/types"
)

const copyBatch = 1000

// copyReader is the state of one COPY FROM.
type copyReader struct {
	c      *Context
	o      *copyOptions
	rel    *catalog.Relation
	cols   []int16
	types  []*types.Type // of cols
	mods   []int32
	notNul []bool // FORCE_NOT_NULL
	asNull []bool // FORCE_NULL
	env    types.Env
	lines  *copyLines
	fields []field
	row    []types.Datum // one value an attribute
	where  RowEval
	keep   []types.Datum
	load   *loader
	n      uint64
	column string // being read, for CONTEXT
	value  []byte
	null   bool   // the column is NULL
	pad    []byte // where padded values of the batch live

	long      stats.Charge // long fields of a row in binary
	longBytes int64        // of them
}

// copyFrom is COPY table FROM.
func copyFrom(c *Context, st *ast.CopyStmt) (uint64, error) {
	o, err := copyOptionsOf(st)
	if err != nil {
		return 0, err
	}
	rel, err := c.openRelation(st.Relation, locks.RowExclusive)
	if err != nil {
		return 0, err
	}
	if c.S.Tx.ReadOnly() && !rel.IsTemp() {
		return 0, pgerr.New(pgerr.ReadOnlySqlTransaction, "cannot execute %s in a read-only transaction", "COPY FROM")
	}
	cols, err := copyColumns(rel, st.Attlist)
	if err != nil {
		return 0, err
	}
	if err := c.checkColumns(rel, cols, catalog.AclInsert); err != nil {
		return 0, err
	}
	if err := checkForced(rel, cols, o.forceNotNull, "FORCE_NOT_NULL"); err != nil {
		return 0, err
	}
	if err := checkForced(rel, cols, o.forceNull, "FORCE_NULL"); err != nil {
		return 0, err
	}
	if err := c.copyTarget(rel, o); err != nil {
		return 0, err
	}
	if c.would(Writes, rel.Oid) {
		return 0, nil
	}
	r := &copyReader{c: c, o: o, rel: rel, cols: cols, env: c.typeEnv()}
	if err := r.prepare(st); err != nil {
		return 0, err
	}
	src, err := c.copySource(st, len(cols), o.binary)
	if err != nil {
		return 0, err
	}
	if f, ok := src.(io.Closer); ok {
		defer f.Close()
	}
	defer r.load.close()
	defer c.showCopy(rel.Oid, st)()
	src = countedReader{src, c.S.Slot}
	if o.binary {
		err = r.readBinary(src)
	} else {
		r.lines = &copyLines{r: src, o: o, slot: c.S.Slot}
		defer r.lines.held.Done()
		err = r.readText()
	}
	if err != nil {
		return 0, err
	}
	if err := r.load.flush(); err != nil {
		return 0, err
	}
	if c.Hooks != nil && c.Hooks.CheckKeys != nil {
		if err := c.Hooks.CheckKeys(); err != nil {
			return 0, err
		}
	}
	return r.n, c.step()
}

func (c *Context) copyTarget(rel *catalog.Relation, o *copyOptions) error {
	switch rel.Kind {
	case 'r', 'p':
	case 'v':
		return pgerr.New(pgerr.WrongObjectType, "cannot copy to view %q", rel.Name).
			WithHint("To enable copying to a view, provide an INSTEAD OF INSERT trigger.")
	case 'm':
		return pgerr.New(pgerr.WrongObjectType, "cannot copy to materialized view %q", rel.Name)
	case 'S':
		return pgerr.New(pgerr.WrongObjectType, "cannot copy to sequence %q", rel.Name)
	default:
		return pgerr.New(pgerr.WrongObjectType, "cannot copy to non-table relation %q", rel.Name)
	}
	if rel.Oid < firstNormalOid {
		return missing("COPY to a system catalog")
	}
	if o.freeze && rel.Kind == 'p' {
		return pgerr.NotSupported("cannot perform COPY FREEZE on a partitioned table")
	}
	if o.freeze && !c.S.Tx.MadeFile(rel.File) {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState,
			"cannot perform COPY FREEZE because the table was not created or truncated in the current subtransaction")
	}
	return nil
}

// copySource opens where COPY FROM reads.
func (c *Context) copySource(st *ast.CopyStmt, columns int, binary bool) (io.Reader, error) {
	if !st.HasFilename {
		if c.S.CopyIn == nil {
			return nil, missing("COPY FROM STDIN here")
		}
		return c.S.CopyIn(columns, binary)
	}
	name := st.Filename
	if !filepath.IsAbs(name) {
		name = filepath.Join(c.S.Ops.DataDirectory, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fileError(err, st.Filename, "reading", "COPY FROM instructs the PostgreSQL server process to read a file. You may want a client-side facility such as psql's \\copy.")
	}
	if fi, err := f.Stat(); err == nil && fi.IsDir() {
		f.Close()
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is a directory", st.Filename)
	}
	return f, nil
}

func (r *copyReader) prepare(st *ast.CopyStmt) error {
	c := r.c
	r.row = make([]types.Datum, len(r.rel.Desc.Attrs))
	for i := range r.row {
		r.row[i] = types.Null
	}
	given := map[int16]bool{}
	for _, att := range r.cols {
		a := &r.rel.Desc.Attrs[att-1]
		t, err := c.copyType(a.Type)
		if err != nil {
			return err
		}
		r.types, r.mods = append(r.types, t), append(r.mods, a.Typmod)
		r.notNul, r.asNull = append(r.notNul, r.o.forceNotNull[a.Name]), append(r.asNull, r.o.forceNull[a.Name])
		given[att] = true
	}
	if st.WhereClause != nil {
		e, err := c.expr(st.WhereClause, CopyWhere, r.rel, "", 0, -1)
		if err != nil {
			return err
		}
		if r.where, err = c.compile([]query.Expr{e}, r.rel); err != nil {
			return err
		}
		r.keep = make([]types.Datum, 1)
	}
	var err error
	r.load, err = c.newLoader(r.rel, given, r.o.freeze)
	if err != nil {
		return err
	}
	r.load.context = r.context
	return nil
}

// context is the CONTEXT of errors about the line being read, or about an earlier line (0: this one).
func (r *copyReader) context(line int, known bool) string {
	switch {
	case r.o.binary && r.column != "":
		return fmt.Sprintf("COPY %s, line %d, column %s", r.rel.Name, line, r.column)
	case r.o.binary || !known:
		return fmt.Sprintf("COPY %s, line %d", r.rel.Name, line)
	case r.column != "" && r.null:
		return fmt.Sprintf("COPY %s, line %d, column %s: null input", r.rel.Name, line, r.column)
	case r.column != "" && r.value != nil:
		return fmt.Sprintf("COPY %s, line %d, column %s: %s", r.rel.Name, line, r.column, shortValue(r.value))
	}
	return fmt.Sprintf("COPY %s, line %d: %s", r.rel.Name, line, shortValue(r.lines.line))
}

// shortValue quotes input for a CONTEXT, at most 100 bytes of it.
func shortValue(b []byte) string {
	const most = 100
	if len(b) <= most {
		return "\"" + string(b) + "\""
	}
	n := most
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return "\"" + string(b[:n]) + "...\""
}

func (r *copyReader) fail(err error, line int) error {
	e := pgerr.From(err)
	if e.Where == "" {
		e.Where = r.context(line, true)
	}
	return e
}

func (r *copyReader) readText() error {
	if r.o.header != headerOff {
		if ok, err := r.lines.next(); err != nil {
			return r.fail(err, r.lines.n)
		} else if !ok {
			return nil
		}
		if err := r.header(); err != nil {
			return r.fail(err, r.lines.n)
		}
	}
	for {
		ok, err := r.lines.next()
		if err != nil {
			if pgerr.Is(err, pgerr.QueryCanceled) && strings.HasPrefix(pgerr.From(err).Message, "COPY from stdin failed") || r.lines.line != nil {
				return r.withLine(err)
			}
			return err
		}
		if !ok {
			return nil
		}
		r.column, r.value = "", nil
		if err := r.textRow(); err != nil {
			return r.fail(err, r.lines.n)
		}
		r.column = ""
		if err := r.take(r.lines.n); err != nil {
			return err
		}
		if r.load.rows == 0 {
			r.lines.recycle()
			if err := r.c.S.Slot.CheckInterrupts(); err != nil {
				return err
			}
		}
	}
}

func (r *copyReader) withLine(err error) error {
	e := pgerr.From(err)
	if e.Where == "" {
		e.Where = fmt.Sprintf("COPY %s, line %d", r.rel.Name, r.lines.n)
	}
	return e
}

// take applies WHERE and hands the row to the loader.
func (r *copyReader) take(line int) error {
	full, err := r.load.complete(r.row)
	if err != nil {
		return r.fail(err, line)
	}
	if r.where != nil {
		if err := r.where.Eval(full, r.keep); err != nil {
			return r.fail(err, line)
		}
		if !r.keep[0].IsTrue() {
			r.c.S.Slot.AddProgress(stats.ProgressCopy, stats.CopyTuplesExcluded, 1)
			return nil
		}
	}
	if r.load.route != nil {
		return r.takeRouted(full, line)
	}
	if err := r.load.check(full); err != nil {
		return r.fail(err, line)
	}
	r.count()
	return r.load.add(full, line)
}

// count counts a row that goes into the table.
func (r *copyReader) count() {
	r.n++
	r.c.S.Slot.SetProgress(stats.ProgressCopy, stats.CopyTuples, int64(r.n))
}

// takeRouted hands the row to the loader of its partition.
func (r *copyReader) takeRouted(full []types.Datum, line int) error {
	if err := r.load.checkPlace(full); err != nil {
		return r.fail(err, line)
	}
	if err := r.load.route.take(full, line); err != nil {
		return r.fail(err, line)
	}
	r.count()
	if r.load.rows++; r.load.rows == copyBatch {
		return r.load.flush()
	}
	return nil
}

// header checks the header line, with HEADER MATCH against the names of the columns.
func (r *copyReader) header() error {
	if r.o.header != headerMatch {
		return nil
	}
	var err error
	if r.fields, err = r.lines.split(r.fields[:0]); err != nil {
		return err
	}
	if len(r.fields) != len(r.cols) {
		return pgerr.New(pgerr.BadCopyFileFormat, "wrong number of fields in header line: got %d, expected %d", len(r.fields), len(r.cols))
	}
	for i, f := range r.fields {
		want := r.rel.AttName(r.cols[i])
		if f.null {
			return pgerr.New(pgerr.BadCopyFileFormat, "column name mismatch in header line field %d: got null value (%q), expected %q", i+1, r.o.null, want)
		}
		if string(f.b) != want {
			return pgerr.New(pgerr.BadCopyFileFormat, "column name mismatch in header line field %d: got %q, expected %q", i+1, string(f.b), want)
		}
	}
	return nil
}

// textRow converts the fields of the line into values.
func (r *copyReader) textRow() error {
	var err error
	if r.fields, err = r.lines.split(r.fields[:0]); err != nil {
		return err
	}
	if len(r.cols) == 0 {
		if len(r.lines.line) > 0 {
			return pgerr.New(pgerr.BadCopyFileFormat, "extra data after last expected column")
		}
		return nil
	}
	if len(r.fields) > len(r.cols) {
		return pgerr.New(pgerr.BadCopyFileFormat, "extra data after last expected column")
	}
	for i, att := range r.cols {
		if i >= len(r.fields) {
			return pgerr.New(pgerr.BadCopyFileFormat, "missing data for column %q", r.rel.AttName(att))
		}
		f := &r.fields[i]
		if r.o.csv {
			switch {
			case f.null && r.notNul[i]:
				f.null = false
			case !f.null && f.quoted && r.asNull[i] && string(f.b) == r.o.null:
				f.null = true
			}
		}
		if f.null {
			r.row[att-1] = types.Null
			continue
		}
		d, ok := quickInput(r.types[i], f.b, r.mods[i])
		if !ok && r.types[i].Oid == 1042 {
			d, ok = r.padded(f.b, r.mods[i])
		}
		if !ok {
			r.column, r.value = r.rel.AttName(att), f.b
			if err = functions.AffordInput(r.lines.slot, r.types[i], f.b); err != nil {
				return err
			}
			if d, err = types.Input(r.env, r.types[i], string(f.b), r.mods[i]); err != nil {
				return err
			}
			r.column, r.value = "", nil
		}
		r.row[att-1] = d
	}
	return nil
}

const blanks = "                                                                                                                                "

// padded fills up a char(n) value with blanks, when it is ASCII and not too long.
func (r *copyReader) padded(b []byte, mod int32) (types.Datum, bool) {
	n := int(mod - 4)
	if mod < 4 || len(b) > n {
		return types.Null, false
	}
	for _, ch := range b {
		if ch >= 0x80 {
			return types.Null, false
		}
	}
	if r.load.rows == 0 {
		r.pad = r.pad[:0]
	}
	if cap(r.pad)-len(r.pad) < n {
		r.pad = make([]byte, 0, max(2*cap(r.pad), 16<<10, n)) // values in the old block stay where they are
	}
	at := len(r.pad)
	r.pad = append(r.pad, b...)
	for len(r.pad) < at+n {
		r.pad = append(r.pad, blanks[:min(len(blanks), at+n-len(r.pad))]...)
	}
	return types.Bytes(r.pad[at : at+n : at+n]), true
}

// quickInput converts the commonest values without allocation; false means that types.Input has to look.
func quickInput(t *types.Type, b []byte, mod int32) (types.Datum, bool) {
	switch t.Oid {
	case 20, 21, 23:
		if len(b) == 0 || len(b) > 10 {
			return types.Null, false
		}
		i, neg := 0, b[0] == '-'
		if neg {
			i = 1
		}
		if i == len(b) {
			return types.Null, false
		}
		v := int64(0)
		for ; i < len(b); i++ {
			if b[i] < '0' || b[i] > '9' {
				return types.Null, false
			}
			v = v*10 + int64(b[i]-'0')
		}
		if neg {
			v = -v
		}
		if t.Oid == 21 && v != int64(int16(v)) || t.Oid == 23 && v != int64(int32(v)) {
			return types.Null, false
		}
		return types.Int(v), true
	case 701:
		return quickFloat(b)
	case 25:
		return types.Bytes(b), true
	case 1043:
		if mod < 4 || len(b) <= int(mod-4) {
			return types.Bytes(b), true
		}
	case 1042:
		if mod >= 4 && len(b) == int(mod-4) {
			for _, ch := range b {
				if ch >= 0x80 {
					return types.Null, false
				}
			}
			return types.Bytes(b), true
		}
	}
	return types.Null, false
}

// quickFloat converts a decimal number of at most 15 digits: number and power of ten are exact, so their quotient is rounded right.
func quickFloat(b []byte) (types.Datum, bool) {
	i := 0
	if len(b) > 0 && b[0] == '-' {
		i = 1
	}
	if len(b)-i < 1 || len(b)-i > 16 {
		return types.Null, false
	}
	v, digits, scale, point := int64(0), 0, 1.0, false
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			v = v*10 + int64(c-'0')
			digits++
			if point {
				scale *= 10
			}
		case c == '.' && !point:
			point = true
		default:
			return types.Null, false
		}
	}
	if digits == 0 || digits > 15 {
		return types.Null, false
	}
	f := float64(v) / scale
	if b[0] == '-' {
		f = -f
	}
	return types.Float(f), true
}

// readBinary reads the binary format.
func (r *copyReader) readBinary(src io.Reader) error {
	in := bufio.NewReaderSize(src, 64<<10)
	bad := func(format string, args ...any) error { return pgerr.New(pgerr.BadCopyFileFormat, format, args...) }
	head := make([]byte, 19)
	if _, err := io.ReadFull(in, head[:11]); err != nil || string(head[:11]) != copySignature {
		return bad("COPY file signature not recognized")
	}
	if _, err := io.ReadFull(in, head[11:19]); err != nil {
		return bad("invalid COPY file header (missing flags)")
	}
	flags := be32(head[11:])
	if flags&(1<<16) != 0 {
		return bad("invalid COPY file header (WITH OIDS)")
	}
	if flags>>16&^1 != 0 {
		return bad("unrecognized critical flags in COPY file header")
	}
	if _, err := io.CopyN(io.Discard, in, int64(be32(head[15:]))); err != nil {
		return bad("invalid COPY file header (wrong length)")
	}
	defer r.long.Done()
	for line := 1; ; line++ {
		r.longBytes = 0
		r.long.Done()
		more, err := r.binaryRow(in)
		if err != nil {
			return r.fail(err, line)
		}
		if !more {
			return nil
		}
		if err := r.take(line); err != nil {
			return err
		}
	}
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func (r *copyReader) binaryRow(in *bufio.Reader) (bool, error) {
	bad := func(format string, args ...any) error { return pgerr.New(pgerr.BadCopyFileFormat, format, args...) }
	var n [4]byte
	r.column = ""
	if _, err := io.ReadFull(in, n[:2]); err != nil {
		if err == io.EOF {
			return false, nil
		}
		return false, binaryEOF(err)
	}
	count := int16(uint16(n[0])<<8 | uint16(n[1]))
	if count == -1 {
		if _, err := in.ReadByte(); err == nil {
			return false, bad("received copy data after EOF marker")
		}
		return false, nil
	}
	if int(count) != len(r.cols) {
		return false, bad("row field count is %d, expected %d", count, len(r.cols))
	}
	for i, att := range r.cols {
		r.column = r.rel.AttName(att)
		if _, err := io.ReadFull(in, n[:4]); err != nil {
			return false, binaryEOF(err)
		}
		size := int32(be32(n[:]))
		if size == -1 {
			r.row[att-1] = types.Null
			continue
		}
		if size < 0 {
			return false, bad("invalid field size")
		}
		b, err := r.binaryField(in, int(size))
		if err != nil {
			return false, err
		}
		d, err := types.Receive(r.env, r.types[i], b, r.mods[i])
		if err != nil {
			return false, err
		}
		r.row[att-1] = d
	}
	r.column = ""
	return true, nil
}

// binaryField reads size bytes. A long field is on the account until the row is stored, with the copy that is stored.
func (r *copyReader) binaryField(in *bufio.Reader, size int) ([]byte, error) {
	if size > longLine {
		account := r.c.S.Slot.Account()
		if err := account.Afford(2*int64(size), "a field of COPY"); err != nil {
			return nil, err
		}
		r.longBytes += 2 * int64(size)
		r.long.Set(account, r.longBytes, "a field of COPY")
	}
	b := make([]byte, 0, min(size, 64<<10))
	for len(b) < size { // the size is not trusted: memory grows with what really comes
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(size, 4*cap(b)))
			copy(grown, b)
			b = grown
		}
		part := min(cap(b)-len(b), 64<<10)
		b = b[:len(b)+part]
		if _, err := io.ReadFull(in, b[len(b)-part:]); err != nil {
			return nil, binaryEOF(err)
		}
	}
	return b, nil
}

func binaryEOF(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return pgerr.New(pgerr.BadCopyFileFormat, "unexpected EOF in COPY data")
	}
	return err
}
