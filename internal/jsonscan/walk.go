package jsonscan

// Walk reports whether text is one JSON object, as Check does, and ranges over its members
// meanwhile: the name, and where the value stands. Where visit returns false, the walk ends and
// so is not ok. What visit saw before an object turned out to be none counts for nothing.
func Walk(text []byte, visit func(name string, from, to int) bool) (ok bool) {
	s := scanner{text: text, depth: maxDepth}
	ok = s.object(0, func(quoted []byte, from, to int) bool { return visit(Text(quoted), from, to) })
	s.space()
	return ok && s.at == len(text)
}
