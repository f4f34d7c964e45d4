package commands

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/session"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

// typeEnv is the session as type input and output see it.
func (c *Context) typeEnv() types.Env {
	if c.Env == nil {
		c.Env = session.NewEnv(c.S)
	}
	return c.Env
}

// copyStmt is COPY.
func copyStmt(c *Context, st *ast.CopyStmt) (string, error) {
	if st.HasFilename || st.IsProgram {
		if err := c.mayUseFiles(st); err != nil {
			return "", err
		}
	}
	var n uint64
	var err error
	switch {
	case st.Query != nil:
		n, err = copyQuery(c, st)
	case st.IsFrom:
		n, err = copyFrom(c, st)
	default:
		n, err = copyTable(c, st)
	}
	return fmt.Sprintf("COPY %d", n), err
}

// Predefined roles that allow COPY to and from files and programs.
const (
	readServerFiles  ids.Oid = 4569
	writeServerFiles ids.Oid = 4570
	executeProgram   ids.Oid = 4571
)

func (c *Context) mayUseFiles(st *ast.CopyStmt) error {
	role, what, name := writeServerFiles, "to a file", "pg_write_server_files"
	switch {
	case st.IsProgram:
		role, what, name = executeProgram, "to or from an external program", "pg_execute_server_program"
	case st.IsFrom:
		role, what, name = readServerFiles, "from a file", "pg_read_server_files"
	}
	ok, err := c.S.Cat.HasPrivsOf(c.S.User, role)
	if err != nil {
		return err
	}
	if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser or have privileges of the %s role to COPY %s", name, what).
			WithHint("Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.")
	}
	if st.IsProgram {
		return missing("COPY PROGRAM")
	}
	return nil
}

// copyTypes returns what is needed to read or write the values of columns.
func (c *Context) copyType(oid ids.Oid) (*types.Type, error) {
	if t := types.Builtin(oid); t != nil {
		return t, nil
	}
	t, err := c.S.Cat.Type(oid)
	if err == nil && t == nil {
		err = pgerr.Internal("cache lookup failed for type %d", oid)
	}
	return t, err
}

// checkColumns checks a privilege on all the columns, on the table or on each.
func (c *Context) checkColumns(rel *catalog.Relation, cols []int16, priv uint32) error {
	ok, err := c.S.Cat.HasRelationPrivilege(c.S.User, rel, priv)
	if err != nil || ok {
		return err
	}
	for _, att := range cols {
		row, err := c.S.Cat.Attribute(rel.Oid, att)
		if err != nil {
			return err
		}
		have := uint32(0)
		if len(row.Attacl) > 0 {
			if have, err = c.S.Cat.AclMask(c.S.User, rel.Owner, row.Attacl, priv, 0, 0); err != nil {
				return err
			}
		}
		if have == 0 {
			return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for %s %s", catalog.KindWord(rel.Kind), rel.Name)
		}
	}
	if len(cols) == 0 {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for %s %s", catalog.KindWord(rel.Kind), rel.Name)
	}
	return nil
}

// copySink opens where COPY TO writes.
func (c *Context) copySink(st *ast.CopyStmt, columns int, binary bool) (io.WriteCloser, error) {
	if !st.HasFilename {
		if c.S.CopyOut == nil {
			return nil, missing("COPY TO STDOUT here")
		}
		return c.S.CopyOut(columns, binary)
	}
	if !filepath.IsAbs(st.Filename) {
		return nil, pgerr.New(pgerr.InvalidName, "relative path not allowed for COPY to file")
	}
	f, err := os.OpenFile(st.Filename, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fileError(err, st.Filename, "writing", "COPY TO instructs the PostgreSQL server process to write a file. You may want a client-side facility such as psql's \\copy.")
	}
	return &fileSink{f: f, w: bufio.NewWriterSize(f, 64<<10)}, nil
}

func fileError(err error, name, verb, hint string) error {
	code, reason := pgerr.IoError, err.Error()
	var pe *os.PathError
	if ok := asPathError(err, &pe); ok {
		reason = capitalized(pe.Err.Error())
	}
	e := pgerr.New(code, "could not open file %q for %s: %s", name, verb, reason)
	if os.IsNotExist(err) {
		e.Code = pgerr.UndefinedFile
		e.Hint = hint
	} else if os.IsPermission(err) {
		e.Code = pgerr.InsufficientPrivilege
		e.Hint = hint
	}
	return e
}

func asPathError(err error, pe **os.PathError) bool {
	e, ok := err.(*os.PathError)
	*pe = e
	return ok
}

func capitalized(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-32) + s[1:]
}

type fileSink struct {
	f *os.File
	w *bufio.Writer
}

func (s *fileSink) Write(p []byte) (int, error) { return s.w.Write(p) }

func (s *fileSink) Close() error {
	if err := s.w.Flush(); err != nil {
		s.f.Close()
		return err
	}
	return s.f.Close()
}

// copyQuery is COPY (query) TO.
func copyQuery(c *Context, st *ast.CopyStmt) (uint64, error) {
	if st.IsFrom {
		return 0, pgerr.New(pgerr.SyntaxError, "COPY (query) FROM is not possible")
	}
	o, err := copyOptionsOf(st)
	if err != nil {
		return 0, err
	}
	if c.Hooks == nil || c.Hooks.Analyze == nil {
		return 0, missing("COPY (query)")
	}
	if s, ok := st.Query.(*ast.SelectStmt); ok && s.IntoClause != nil {
		return 0, pgerr.NotSupported("COPY (SELECT INTO) is not supported")
	}
	q, err := c.Hooks.Analyze(st.Query, nil)
	if err != nil {
		return 0, err
	}
	list := visible(q.TargetList)
	if q.CommandType != query.CmdSelect && len(q.ReturningList) == 0 {
		return 0, pgerr.NotSupported("COPY query must have a RETURNING clause")
	}
	if len(q.ReturningList) > 0 {
		list = visible(q.ReturningList)
	}
	if c.Rehearsal != nil {
		_, err := c.runQuery(q, nil, nil)
		return 0, err
	}
	w := &copyWriter{c: c, o: o}
	for _, t := range list {
		if err := w.column(t.Resname, t.Expr.Type()); err != nil {
			return 0, err
		}
	}
	if err := w.open(st); err != nil {
		return 0, err
	}
	defer c.showCopy(0, st)()
	if c.Hooks.CopyQuery != nil {
		err = c.Hooks.CopyQuery(q, w.batch)
	} else {
		_, err = c.runQuery(q, nil, w.batch)
	}
	return w.n, w.close(err)
}

// copyTable is COPY table TO.
func copyTable(c *Context, st *ast.CopyStmt) (uint64, error) {
	o, err := copyOptionsOf(st)
	if err != nil {
		return 0, err
	}
	rel, err := c.openRelation(st.Relation, locks.AccessShare)
	if err != nil {
		return 0, err
	}
	cols, err := copyColumns(rel, st.Attlist)
	if err != nil {
		return 0, err
	}
	if err := c.checkColumns(rel, cols, catalog.AclSelect); err != nil {
		return 0, err
	}
	if rel.Kind != 'r' {
		return 0, cannotCopyFrom(rel)
	}
	if err := checkForced(rel, cols, o.forceQuote, "FORCE_QUOTE"); err != nil {
		return 0, err
	}
	if c.would(Scans, rel.Oid) {
		return 0, nil
	}
	w := &copyWriter{c: c, o: o}
	heapCols := make([]int, len(cols))
	for i, att := range cols {
		a := &rel.Desc.Attrs[att-1]
		heapCols[i] = int(att) - 1
		if err := w.column(a.Name, a.Type); err != nil {
			return 0, err
		}
	}
	if err := w.open(st); err != nil {
		return 0, err
	}
	defer c.showCopy(rel.Oid, st)()
	return w.n, w.close(w.table(rel, heapCols, &w.n))
}

func cannotCopyFrom(rel *catalog.Relation) error {
	const hint = "Try the COPY (SELECT ...) TO variant."
	switch rel.Kind {
	case 'v', 'm', 'f', 'p':
		what := map[byte]string{'v': "view", 'm': "materialized view", 'f': "foreign table", 'p': "partitioned table"}[rel.Kind]
		return pgerr.New(pgerr.WrongObjectType, "cannot copy from %s %q", what, rel.Name).WithHint(hint)
	case 'S':
		return pgerr.New(pgerr.WrongObjectType, "cannot copy from sequence %q", rel.Name)
	}
	return pgerr.New(pgerr.WrongObjectType, "cannot copy from non-table relation %q", rel.Name)
}

// table writes all rows of a table.
func (w *copyWriter) table(rel *catalog.Relation, cols []int, n *uint64) error {
	scan, err := heap.BeginScan(w.c.S.Tx, rel.Heap, w.c.S.Tx.Active(), heap.ScanOpts{Cols: cols})
	if err != nil {
		return err
	}
	defer scan.Close()
	b := scan.NewBatch(rewriteBatch)
	for {
		k, err := scan.NextBatch(rewriteBatch, b, nil)
		if err != nil || k == 0 {
			return err
		}
		b.N = k
		if err := w.batch(b); err != nil {
			return err
		}
	}
}
