package backend

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/sql/ast"
	"gompho/storage/buffer"
	"gompho/wire"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// transaction runs BEGIN, COMMIT and the like.
func (b *Backend) transaction(x *ast.TransactionStmt) (string, error) {
	switch x.Kind {
	case ast.TransStmtBegin, ast.TransStmtStart:
		tag := "BEGIN"
		if x.Kind == ast.TransStmtStart {
			tag = "START TRANSACTION"
		}
		if err := b.blk.begin(); err != nil {
			return "", err
		}
		return tag, b.txOptions(x.Options)
	case ast.TransStmtCommit:
		return b.blk.end(true, x.Chain)
	case ast.TransStmtRollback:
		return b.blk.end(false, x.Chain)
	case ast.TransStmtSavepoint:
		return "SAVEPOINT", b.blk.savepoint(x.SavepointName)
	case ast.TransStmtRelease:
		if err := b.blk.release(x.SavepointName); err != nil {
			return "", err
		}
		b.adoptPortals()
		return "RELEASE", nil
	case ast.TransStmtRollbackTo:
		if err := b.blk.rollbackTo(x.SavepointName); err != nil {
			return "", err
		}
		b.dropSubPortals()
		return "ROLLBACK", nil
	}
	return b.twoPhase(x)
}

// txOptions applies the modes of BEGIN.
func (b *Backend) txOptions(opts []*ast.DefElem) error {
	for _, o := range opts {
		v := constText(o.Arg)
		if err := b.s.Settings.Set(o.Defname, &v, true); err != nil {
			return err
		}
	}
	return nil
}

func constText(n ast.Node) string {
	c, ok := n.(*ast.AConst)
	if !ok {
		return ""
	}
	switch v := c.Val.(type) {
	case *ast.String:
		return v.Sval
	case *ast.Integer:
		return strconv.FormatInt(int64(v.Ival), 10)
	case *ast.Boolean:
		return strconv.FormatBool(v.Boolval)
	}
	return ""
}

// beginOptions are the session's defaults for a transaction.
func (b *Backend) beginOptions() mvcc.BeginOpts {
	return b.hot.beginOpts(b)
}

func isolationOf(text string) mvcc.Isolation {
	switch text {
	case "serializable":
		return mvcc.Serializable
	case "repeatable read":
		return mvcc.RepeatableRead
	case "read uncommitted":
		return mvcc.ReadUncommitted
	}
	return mvcc.ReadCommitted
}

// txBegun follows the start of a (sub)transaction.
func (b *Backend) txBegun(sub bool) {
	b.s.Settings.Begin()
	if !sub {
		b.showDefaults()
		if rate := b.hot.log(b).xactRate; rate > 0 || b.sampled {
			b.sampled = rate == 1 || rand.Float64() <= rate
		}
		b.o.Slot.Activity.SetXactStart(b.s.StatementStart)
	}
}

// txEnded follows its end.
func (b *Backend) txEnded(sub, commit bool) {
	b.s.Settings.End(commit)
	if !sub {
		b.failed = nil
		if !commit && b.blk.explicit {
			for _, p := range b.portals {
				b.noteFailed(p)
			}
		}
		b.o.Slot.Activity.SetXactStart(time.Time{})
		b.dropTxPortals()
	}
}

// showDefaults lets SHOW transaction_isolation and its kin tell what the session's defaults, or the transaction before it in a chain,
// have made of the transaction.
func (b *Backend) showDefaults() {
	tx := b.s.Tx
	for _, m := range []struct {
		name, text string
		set        bool
	}{
		{"transaction_isolation", tx.Isolation().String(), tx.Isolation() != mvcc.ReadCommitted},
		{"transaction_read_only", "on", tx.ReadOnly()},
		{"transaction_deferrable", "on", tx.Deferrable()},
	} {
		if m.set {
			// The transaction has these modes already, so there is nothing to veto.
			_ = b.s.Settings.Set(m.name, &m.text, true)
		}
	}
}

// checkSetting guards the settings that stand for transaction modes.
func (b *Backend) checkSetting(d *config.Def, v config.Value) (config.Value, error) {
	tx := b.s.Tx
	switch d.Name {
	case "transaction_isolation":
		iso := isolationOf(v.Text)
		if !tx.InTransaction() || iso == tx.Isolation() {
			break
		}
		if tx.HasSnapshot() {
			return v, pgerr.New(pgerr.ActiveSqlTransaction, "SET TRANSACTION ISOLATION LEVEL must be called before any query")
		}
		if len(b.blk.points) > 0 {
			return v, pgerr.New(pgerr.ActiveSqlTransaction, "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction")
		}
		tx.SetIsolation(iso)
	case "transaction_read_only":
		if !tx.InTransaction() {
			break
		}
		if tx.ReadOnly() && !v.Bool() {
			if len(b.blk.points) > 0 {
				return v, pgerr.New(pgerr.ActiveSqlTransaction, "cannot set transaction read-write mode inside a read-only transaction")
			}
			if tx.HasSnapshot() {
				return v, pgerr.New(pgerr.ActiveSqlTransaction, "transaction read-write mode must be set before any query")
			}
		}
		tx.SetReadOnly(v.Bool())
	case "temp_buffers":
		if n := buffer.LocalPages(b.o.Slot); n != 0 && int64(n) != v.Int() {
			return v, pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter \"temp_buffers\": %d", v.Int()).
				WithDetail("\"temp_buffers\" cannot be changed after any temporary tables have been accessed in the session.")
		}
	case "client_connection_check_interval":
		if v.Int() > 0 && !wire.ChecksPeers {
			return v, pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter %q: %d", d.Name, v.Int()).
				WithDetail("client_connection_check_interval must be set to 0 on this platform.")
		}
	case "role", "session_authorization":
		return v, b.checkRole(d, v.Text)
	case "transaction_deferrable":
		if tx.InTransaction() {
			if tx.HasSnapshot() {
				return v, pgerr.New(pgerr.ActiveSqlTransaction, "SET TRANSACTION [NOT] DEFERRABLE must be called before any query")
			}
			tx.SetDeferrable(v.Bool())
		}
	}
	return v, nil
}

// SplitPath splits a search_path value into names: folded unless quoted.
func SplitPath(s string) []string {
	var out []string
	for i := 0; i < len(s); {
		for i < len(s) && (s[i] == ' ' || s[i] == ',' || s[i] == '\t' || s[i] == '\n') {
			i++
		}
		if i >= len(s) {
			break
		}
		if s[i] == '"' {
			var w strings.Builder
			for i++; i < len(s); i++ {
				if s[i] == '"' {
					if i+1 < len(s) && s[i+1] == '"' {
						i++
					} else {
						break
					}
				}
				w.WriteByte(s[i])
			}
			i++
			out = append(out, w.String())
			continue
		}
		j := i
		for j < len(s) && s[j] != ',' {
			j++
		}
		out = append(out, strings.ToLower(strings.TrimSpace(s[i:j])))
		i = j
	}
	return out
}

// validText checks the text of a statement, or a name, that came from the client.
func validText(s string) error {
	if utf8.ValidString(s) {
		return nil
	}
	return validUTF8([]byte(s))
}

func validUTF8(b []byte) error {
	for i := 0; i < len(b); {
		if b[i] == 0 {
			return pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": 0x00")
		}
		if b[i] < 0x80 {
			i++
			continue
		}
		_, n := utf8.DecodeRune(b[i:])
		if n == 1 {
			var w strings.Builder
			for k := i; k < len(b) && k < i+seqLen(b[i]); k++ {
				if k > i {
					w.WriteByte(' ')
				}
				w.WriteString("0x" + hex2(b[k]))
			}
			return pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": %s", w.String())
		}
		i += n
	}
	return nil
}

func seqLen(c byte) int {
	switch {
	case c >= 0xf8:
		return 1
	case c >= 0xf0:
		return 4
	case c >= 0xe0:
		return 3
	case c >= 0xc0:
		return 2
	}
	return 1
}

func hex2(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}
