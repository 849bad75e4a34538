package commands

import (
	"iter"

	"holdfast/kv"
	"holdfast/lists"
	"holdfast/outline"
)

// Types are the kinds of values that there are commands for.
func Types() *kv.Types {
	return kv.NewTypes(
		kv.Type{Kind: kv.String, Name: "string", Survey: surveyString, Walk: walkString, Checker: checker(checkString), Remake: remakeString,
			Rewritten: rewrittenString()},
		listType(),
		setType(),
		streamType(),
		zsetType(),
		hashType(),
	)
}

func listType() kv.Type {
	return kv.Type{
		Kind:   kv.List,
		Name:   "list",
		Decode: func(b []byte) (kv.Value, error) { return lists.Decode(b) },
		FromParts: func(head []byte, next func() (uint64, []byte, bool, error)) (kv.Value, error) {
			return lists.FromParts(head, next)
		},
		Unpack:    func(b []byte) kv.Value { return lists.Unpack(b) },
		Clone:     func(v kv.Value) kv.Value { return v.(*lists.List).Clone() },
		Encoding:  func(kv.Value) string { return "quicklist" },
		Elements:  func(v kv.Value) iter.Seq[[]byte] { return listElements(v.(*lists.List)) },
		Survey:    lists.Survey,
		Walk:      lists.Walk,
		Assembly:  lists.Assembly(),
		Checker:   checker(lists.Check),
		Remake:    remakeRun("RPUSH"),
		Rewritten: rewrittenRun(outline.Item, "RPUSH"),
	}
}

// checker is kv.Type.Checker for a type whose elements are looked at one by one.
func checker(check outline.Visitor) func() outline.Visitor {
	return func() outline.Visitor { return check }
}

func listElements(l *lists.List) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { l.Range(0, -1, yield) }
}
