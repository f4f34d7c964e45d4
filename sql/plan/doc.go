// Package plan is the plan tree: what the planner makes and the executor runs. A plan is read-only and can be
// cached and shared; all run state lives beside it in the executor.
//
// Layer: above query; below planner.
//
// How expressions find their columns: in a scan node a Var has the scan's range-table index as Varno and the
// table's attribute number; in every other node Varno is query.OuterVar or query.InnerVar and Varattno counts the
// child's output columns from 1. An index-only scan's Vars have query.IndexVar and count the index's columns.
// A node's output is its TargetList, evaluated over its input; a node whose TargetList is nil passes its
// input (outer child, or for scans the columns of ScanCols) through unchanged.
package plan
