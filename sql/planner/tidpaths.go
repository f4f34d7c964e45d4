package planner

import (
	"math"

	"gompho/internal/ids"
	"gompho/sql/query"
)

// Operators of type tid.
const (
	tidEqOp = 387
	tidLtOp = 2799
	tidGtOp = 2800
	tidLeOp = 2801
	tidGeOp = 2802
)

// tidPaths offers scans by ctid: = value, = ANY (array), and ranges.
func (r *root) tidPaths(b *rel) {
	isCtid := func(e query.Expr) bool {
		v, ok := e.(*query.Var)
		return ok && v.Varno == b.rti && v.Varattno == query.CtidAttr && v.Varlevelsup == 0
	}
	var ranges []*rinfo
	for _, ri := range b.restrict {
		n := 1.0
		switch x := ri.clause.(type) {
		case *query.OpExpr:
			if ri.left == nil || !(isCtid(ri.left) && ri.rightRels.empty() && !r.volatileExpr(ri.right) || isCtid(ri.right) && ri.leftRelids.empty() && !r.volatileExpr(ri.left)) {
				continue
			}
			switch x.OpNo {
			case tidEqOp:
			case tidLtOp, tidGtOp, tidLeOp, tidGeOp:
				ranges = append(ranges, ri)
				continue
			default:
				continue
			}
		case *query.ScalarArrayOpExpr:
			if x.OpNo != tidEqOp || !x.UseOr || !isCtid(x.Args[0]) || !r.exprRels(x.Args[1]).empty() || r.volatileExpr(x.Args[1]) {
				continue
			}
			n = r.arrayLen(x.Args[1])
		case *query.CurrentOfExpr:
		default:
			continue
		}
		b.addPath(r.tidPath(b, ri, n))
	}
	if len(ranges) > 0 {
		b.addPath(r.tidRangePath(b, ranges))
	}
}

func (r *root) tidPath(b *rel, ri *rinfo, n float64) *path {
	c := r.g.facts.costs()
	p := &path{kind: pathTid, tidQuals: []*rinfo{ri}, rows: b.rows}
	q := r.infosCost(b.restrict)
	p.startup = q.startup
	if !c.TidScan {
		p.startup += disableCost
	}
	if _, ok := ri.clause.(*query.CurrentOfExpr); ok {
		p.startup -= disableCost // the only way
	}
	tid := r.exprCost(ri.clause)
	p.total = p.startup + n*(c.RandomPage+c.CPUTuple+q.perRow-tid.perRow)
	return p
}

func (r *root) tidRangePath(b *rel, ranges []*rinfo) *path {
	c := r.g.facts.costs()
	p := &path{kind: pathTidRange, tidQuals: ranges, rows: b.rows}
	sel := r.listSelectivity(ranges, b.relids, query.JoinInner, nil)
	pages := math.Max(1, math.Ceil(sel*b.pages))
	q, t := r.infosCost(b.restrict), r.infosCost(ranges)
	p.startup = q.startup
	if !c.TidScan {
		p.startup += disableCost
	}
	p.total = p.startup + c.RandomPage + (pages-1)*c.SeqPage + sel*b.tuples*(c.CPUTuple+q.perRow-t.perRow)
	return p
}

// tidSel is the fraction of a table's rows before an address, or after it.
func tidSel(b *rel, c *query.Const, after bool) float64 {
	if b.pages < 1 {
		return 1
	}
	tid := ids.UnpackTID(c.Value.Word())
	block := float64(tid.Block)
	if perPage := b.tuples / b.pages; perPage > 0 {
		block += math.Min(1, float64(tid.Offset)/perPage)
	}
	s := clampSel(block / b.pages)
	if after {
		return 1 - s
	}
	return s
}
