package catalog

import (
	"sync"

	"gompho/internal/ids"
)

// cacheID names a way of looking rows up.
type cacheID uint8

const (
	noCache   cacheID = iota
	relCache          // relation descriptors, by Oid
	typeCache         // *types.Type, by Oid
	byAggFn
	byAmOid
	byAmName
	amopByStrategy
	amopsByOperator
	amopsByFamily
	amprocByNum
	amprocsByFamily
	byAttName
	byAuthOid
	byAuthName
	membersByMember
	membersByRole
	castBySourceTarget
	castsBySource
	opclassByOid
	opclassesByAmName
	collByOid
	collsByName
	constraintByOid
	constraintsByRel
	constraintsByType
	dbByOid
	dbByName
	enumByOid
	enumsByType
	childrenByParent
	parentsByChild
	langByOid
	langByName
	nspByOid
	nspByName
	operByOid
	opersByName
	opfamilyByOid
	opfamiliesByAmName
	procByOid
	procsByName
	rangeByType
	relByName
	rewritesByRel
	seqByOid
	statByAtt
	tablespaceByOid
	tablespaceByName
	triggersByRel
	typeByOid
	typeByName
	roleSettings
	convByOid
	classRowByOid
	numCaches
)

// cacheDef says which index serves a cache and which columns are its key.
type cacheDef struct {
	table, index ids.Oid
	atts         []int
	list         bool // several rows have the same key
	builtin      bool // rows with an Oid below firstUnpinned are answered from the table of built-ins
}

// firstUnpinned is the first Oid of objects that are not part of the fixed facts.
const firstUnpinned ids.Oid = 12000

// cacheDefs is indexed by cacheID.
var cacheDefs = [numCaches]cacheDef{
	byAggFn:            {PgAggregateOid, PgAggregateFnoidIndex, []int{AttPgAggregateAggfnoid}, false, true},
	byAmOid:            {PgAmOid, PgAmOidIndex, []int{AttPgAmOid}, false, true},
	byAmName:           {PgAmOid, PgAmNameIndex, []int{AttPgAmAmname}, false, true},
	amopByStrategy:     {PgAmopOid, PgAmopFamStratIndex, []int{AttPgAmopAmopfamily, AttPgAmopAmoplefttype, AttPgAmopAmoprighttype, AttPgAmopAmopstrategy}, false, true},
	amopsByOperator:    {PgAmopOid, PgAmopOprFamIndex, []int{AttPgAmopAmopopr}, true, true},
	amopsByFamily:      {PgAmopOid, PgAmopFamStratIndex, []int{AttPgAmopAmopfamily}, true, true},
	amprocByNum:        {PgAmprocOid, PgAmprocFamProcIndex, []int{AttPgAmprocAmprocfamily, AttPgAmprocAmproclefttype, AttPgAmprocAmprocrighttype, AttPgAmprocAmprocnum}, false, true},
	amprocsByFamily:    {PgAmprocOid, PgAmprocFamProcIndex, []int{AttPgAmprocAmprocfamily}, true, true},
	byAttName:          {PgAttributeOid, PgAttributeRelidAttnamIndex, []int{AttPgAttributeAttrelid, AttPgAttributeAttname}, false, false},
	byAuthOid:          {PgAuthidOid, PgAuthidOidIndex, []int{AttPgAuthidOid}, false, false},
	byAuthName:         {PgAuthidOid, PgAuthidRolnameIndex, []int{AttPgAuthidRolname}, false, false},
	membersByMember:    {PgAuthMembersOid, PgAuthMembersMemberRoleIndex, []int{AttPgAuthMembersMember}, true, false},
	membersByRole:      {PgAuthMembersOid, PgAuthMembersRoleMemberIndex, []int{AttPgAuthMembersRoleid}, true, false},
	castBySourceTarget: {PgCastOid, PgCastSourceTargetIndex, []int{AttPgCastCastsource, AttPgCastCasttarget}, false, true},
	castsBySource:      {PgCastOid, PgCastSourceTargetIndex, []int{AttPgCastCastsource}, true, true},
	opclassByOid:       {PgOpclassOid, PgOpclassOidIndex, []int{AttPgOpclassOid}, false, true},
	opclassesByAmName:  {PgOpclassOid, PgOpclassAmNameNspIndex, []int{AttPgOpclassOpcmethod, AttPgOpclassOpcname}, true, true},
	collByOid:          {PgCollationOid, PgCollationOidIndex, []int{AttPgCollationOid}, false, true},
	collsByName:        {PgCollationOid, PgCollationNameEncNspIndex, []int{AttPgCollationCollname}, true, true},
	constraintByOid:    {PgConstraintOid, PgConstraintOidIndex, []int{AttPgConstraintOid}, false, false},
	constraintsByRel:   {PgConstraintOid, PgConstraintConrelidContypidConnameIndex, []int{AttPgConstraintConrelid}, true, false},
	constraintsByType:  {PgConstraintOid, PgConstraintContypidIndex, []int{AttPgConstraintContypid}, true, false},
	dbByOid:            {PgDatabaseOid, PgDatabaseOidIndex, []int{AttPgDatabaseOid}, false, false},
	dbByName:           {PgDatabaseOid, PgDatabaseDatnameIndex, []int{AttPgDatabaseDatname}, false, false},
	enumByOid:          {PgEnumOid, PgEnumOidIndex, []int{AttPgEnumOid}, false, false},
	enumsByType:        {PgEnumOid, PgEnumTypidSortorderIndex, []int{AttPgEnumEnumtypid}, true, false},
	childrenByParent:   {PgInheritsOid, PgInheritsParentIndex, []int{AttPgInheritsInhparent}, true, false},
	parentsByChild:     {PgInheritsOid, PgInheritsRelidSeqnoIndex, []int{AttPgInheritsInhrelid}, true, false},
	langByOid:          {PgLanguageOid, PgLanguageOidIndex, []int{AttPgLanguageOid}, false, false},
	langByName:         {PgLanguageOid, PgLanguageNameIndex, []int{AttPgLanguageLanname}, false, false},
	nspByOid:           {PgNamespaceOid, PgNamespaceOidIndex, []int{AttPgNamespaceOid}, false, false},
	nspByName:          {PgNamespaceOid, PgNamespaceNspnameIndex, []int{AttPgNamespaceNspname}, false, false},
	operByOid:          {PgOperatorOid, PgOperatorOidIndex, []int{AttPgOperatorOid}, false, true},
	opersByName:        {PgOperatorOid, PgOperatorOprnameLRNIndex, []int{AttPgOperatorOprname}, true, true},
	opfamilyByOid:      {PgOpfamilyOid, PgOpfamilyOidIndex, []int{AttPgOpfamilyOid}, false, true},
	opfamiliesByAmName: {PgOpfamilyOid, PgOpfamilyAmNameNspIndex, []int{AttPgOpfamilyOpfmethod, AttPgOpfamilyOpfname}, true, true},
	procByOid:          {PgProcOid, PgProcOidIndex, []int{AttPgProcOid}, false, true},
	procsByName:        {PgProcOid, PgProcPronameArgsNspIndex, []int{AttPgProcProname}, true, true},
	rangeByType:        {PgRangeOid, PgRangeRngtypidIndex, []int{AttPgRangeRngtypid}, false, true},
	relByName:          {PgClassOid, PgClassRelnameNspIndex, []int{AttPgClassRelname, AttPgClassRelnamespace}, false, false},
	rewritesByRel:      {PgRewriteOid, PgRewriteRelRulenameIndex, []int{AttPgRewriteEvClass}, true, false},
	seqByOid:           {PgSequenceOid, PgSequenceSeqrelidIndex, []int{AttPgSequenceSeqrelid}, false, false},
	statByAtt:          {PgStatisticOid, PgStatisticRelidAttInhIndex, []int{AttPgStatisticStarelid, AttPgStatisticStaattnum, AttPgStatisticStainherit}, false, false},
	tablespaceByOid:    {PgTablespaceOid, PgTablespaceOidIndex, []int{AttPgTablespaceOid}, false, false},
	tablespaceByName:   {PgTablespaceOid, PgTablespaceSpcnameIndex, []int{AttPgTablespaceSpcname}, false, false},
	triggersByRel:      {PgTriggerOid, PgTriggerTgrelidTgnameIndex, []int{AttPgTriggerTgrelid}, true, false},
	typeByOid:          {PgTypeOid, PgTypeOidIndex, []int{AttPgTypeOid}, false, true},
	typeByName:         {PgTypeOid, PgTypeTypnameNspIndex, []int{AttPgTypeTypname, AttPgTypeTypnamespace}, false, true},
	roleSettings:       {PgDbRoleSettingOid, PgDbRoleSettingDatabaseidRolIndex, []int{AttPgDbRoleSettingSetdatabase, AttPgDbRoleSettingSetrole}, false, false},
	convByOid:          {PgConversionOid, PgConversionOidIndex, []int{AttPgConversionOid}, false, true},
	classRowByOid:      {PgClassOid, PgClassOidIndex, []int{AttPgClassOid}, false, false},
}

// relColumns names, for each catalog whose rows are part of relation descriptors, the column with the relation's Oid.
var relColumns = map[ids.Oid][]int{
	PgClassOid:      {AttPgClassOid},
	PgAttributeOid:  {AttPgAttributeAttrelid},
	PgIndexOid:      {AttPgIndexIndrelid, AttPgIndexIndexrelid},
	PgAttrdefOid:    {AttPgAttrdefAdrelid},
	PgConstraintOid: {AttPgConstraintConrelid},
	PgRewriteOid:    {AttPgRewriteEvClass},
	PgTriggerOid:    {AttPgTriggerTgrelid},
	PgInheritsOid:   {AttPgInheritsInhrelid, AttPgInheritsInhparent},

	PgPartitionedTableOid: {AttPgPartitionedTablePartrelid},
}

// cachesByTable maps each catalog to its caches; made once, read-only.
var cachesByTable = sync.OnceValue(func() map[ids.Oid][]cacheID {
	m := make(map[ids.Oid][]cacheID)
	for id := range cacheDefs {
		if t := cacheDefs[id].table; t != 0 {
			m[t] = append(m[t], cacheID(id))
		}
	}
	return m
})
