package ast

// NoLocation marks an unknown position.
const NoLocation int32 = -1

// Node is any node of the raw parse tree; always a pointer to one of this package's structs.
type Node interface{ astNode() }

// Stmt is a whole statement.
type Stmt interface {
	Node
	// CommandTag returns PostgreSQL's name of the command, for example "CREATE TABLE". It is the
	// name in messages and, for most commands, the command-completion tag without row counts.
	CommandTag() string
}

// Expr is a node that can stand where an expression is expected.
type Expr interface {
	Node
	exprNode()
}

// RawStmt is one statement of a text: Len bytes from Location, leading blanks and the semicolon not
// included. Len is 0 when the statement runs to the end of the text.
type RawStmt struct {
	Stmt     Stmt
	Location int32
	Len      int32
}

// Text returns the part of sql that holds the statement; sql is the text that was parsed.
func (r RawStmt) Text(sql string) string {
	if r.Len == 0 {
		return sql[r.Location:]
	}
	return sql[r.Location : r.Location+r.Len]
}

// List is a list where a node is expected.
type List struct {
	Items []Node
}

// Integer is an integer literal that fits 32 bits.
type Integer struct {
	Ival int32
}

// Float is any other numeric literal, kept as text.
type Float struct {
	Fval string
}

// Boolean is TRUE or FALSE.
type Boolean struct {
	Boolval bool
}

// String is a string literal or a name.
type String struct {
	Sval string
}

// BitString is a bit-string literal: 'b' or 'x', then the digits.
type BitString struct {
	Bsval string
}

// Str makes a String node.
func Str(s string) *String { return &String{Sval: s} }

// Names returns the strings of a list of String nodes; of a single String, just it. Other nodes
// give nil.
func Names(n Node) []string {
	switch n := n.(type) {
	case *String:
		return []string{n.Sval}
	case *TypeName:
		return n.Names
	case *List:
		out := make([]string, 0, len(n.Items))
		for _, it := range n.Items {
			if s, ok := it.(*String); ok {
				out = append(out, s.Sval)
			}
		}
		return out
	}
	return nil
}

// NameNode makes the list-of-strings node of a qualified name.
func NameNode(names []string) *List {
	l := &List{Items: make([]Node, len(names))}
	for i, s := range names {
		l.Items[i] = Str(s)
	}
	return l
}
