// Package ast is the raw parse tree: what sql/parser makes of a statement's text before any name is
// looked up. It is a leaf package of layer 10 and imports only internal/ids.
//
// The tree has the shape of PostgreSQL 15's parse nodes, so that its documentation of them applies:
//
//  1. A node type has PostgreSQL's name without underscores (A_Expr is AExpr) and a field its name in
//     Go casing (if_not_exists is IfNotExists, targetList is TargetList). Enumeration constants lose
//     their underscores (OBJECT_TABLE is ObjectTable, AT_AddColumn is ATAddColumn; OBJECT_TYPE is
//     ObjectTypeType, because ObjectType is the enumeration).
//  2. A list is a Go slice of the most specific type. A qualified name is a []string. Where
//     PostgreSQL puts a list in the place of a node, it is a *List.
//  3. A missing string is "", a missing node nil, a missing list nil. A field whose zero value differs
//     from "absent" says so.
//  4. Location is a byte offset in the text given to the parser, NoLocation (-1) when unknown. In
//     the statements of one text all offsets count from the start of the whole text.
//  5. A tree is read-only once parsed. Nodes of one statement may share memory blocks: keeping one
//     alive may keep all alive.
//
// Differences from PostgreSQL: TRUE and FALSE are a plain AConst of a Boolean; fields used only after
// analysis are left out; DISTINCT without ON is DistinctClause with one nil element, as there.
//
// To look at a tree, print Dump(node), or run the scripts of sql/parser/testdata.
package ast
