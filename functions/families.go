package functions

// families lists all tables of functions.
func families() [][]Entry {
	return [][]Entry{
		intFamily(), floatFamily(), numericFamily(), datetimeFamily(), datepartFamily(), datemakeFamily(), tocharFamily(), quoteFamily(), byteaFamily(),
		aggNumericFamily(), aggIntervalFamily(), aggOrderedFamily(), windowFamily(),
		compareFamily(), typeCompareFamily(), hashFamily(), boolFamily(), textFamily(), castFamily(), typeIOFamily(),
		aggCountFamily(), aggIntFamily(), aggMinMaxFamily(), aggLogicFamily(), aggCollectFamily(), aggFloatFamily(),
		likeFamily(),
		stringFamily(),
		regexFamily(),
		arrayFamily(),
		seriesFamily(),
		inRangeFamily(),
		sessionFamily(),
		sizeFamily(),
		enumFamily(),
		jsonFamily(),
		unicodeFamily(),
		lsnFamily(),
		nameFamily(),
		zoneFamily(),
		inetFamily(), macaddrFamily(),
	}
}
