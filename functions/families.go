package functions

// families lists all tables of functions.
func families() [][]Entry {
	return [][]Entry{
		intFamily(), compareFamily(), boolFamily(), textFamily(), aggCountFamily(), aggIntFamily(),
	}
}
