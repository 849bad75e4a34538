package lua

import (
	"fmt"
	"slices"

	glua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// Statements that gopher-lua 1.1.1 compiles otherwise than Lua 5.1, made into such as both understand alike. The names that are
// made up for it begin with a zero, so no script can say them.

// assignment takes apart one that names several variables: gopher-lua puts each value into its variable before the next is
// computed, so that a, b = b, a loses one of them. What the targets are is settled first, then the values, then it is assigned
// from the right, as in Lua 5.1. Where all targets are elements of tables gopher-lua does so itself.
func assignment(s *ast.AssignStmt) ast.Stmt {
	if len(s.Lhs) < 2 || !slices.ContainsFunc(s.Lhs, isVariable) {
		return s
	}
	first := s.Lhs[0]
	var places, values ast.LocalAssignStmt
	for i, target := range s.Lhs {
		if element, ok := target.(*ast.AttrGetExpr); ok {
			element.Object = aside(&places, element.Object, fmt.Sprintf("\x00table%d", i))
			element.Key = aside(&places, element.Key, fmt.Sprintf("\x00key%d", i))
		}
		values.Names = append(values.Names, fmt.Sprintf("\x00value%d", i))
	}
	values.Exprs = s.Rhs
	block := &ast.DoBlockStmt{}
	if len(places.Names) > 0 {
		block.Stmts = append(block.Stmts, at(&places, first))
	}
	block.Stmts = append(block.Stmts, at(&values, first))
	for i := len(s.Lhs) - 1; i >= 0; i-- {
		one := &ast.AssignStmt{Lhs: s.Lhs[i : i+1 : i+1], Rhs: []ast.Expr{at(&ast.IdentExpr{Value: values.Names[i]}, s.Lhs[i])}}
		block.Stmts = append(block.Stmts, at(one, s.Lhs[i]))
	}
	return at(block, first)
}

func isVariable(target ast.Expr) bool {
	_, ok := target.(*ast.IdentExpr)
	return ok
}

// aside computes an expression into a local variable of the name, unless it is a constant, and returns what stands for it.
func aside(places *ast.LocalAssignStmt, e ast.Expr, name string) ast.Expr {
	switch e.(type) {
	case *ast.StringExpr, *ast.NumberExpr:
		return e
	}
	places.Names = append(places.Names, name)
	places.Exprs = append(places.Exprs, oneValue(e))
	return at(&ast.IdentExpr{Value: name}, e)
}

// at places a node where another one is.
func at[N ast.PositionHolder](node N, like ast.PositionHolder) N {
	node.SetLine(like.Line())
	node.SetLastLine(like.LastLine())
	return node
}

// oneValue has an expression give one value.
func oneValue(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
	return e
}

// loopName is the global that makes numbers of what a numeric for is given, which may be strings.
const loopName = "\x00loop"

// loopWords are what such a number is, as errors call it.
var loopWords = [...]string{"initial value", "limit", "step"}

// bound is what a numeric for is given; which is its place in loopWords.
func bound(e ast.Expr, which int) ast.Expr {
	switch e.(type) {
	case *ast.NumberExpr, *ast.UnaryLenOpExpr:
		return e
	}
	of := at(&ast.NumberExpr{Value: fmt.Sprint(which)}, e)
	call := &ast.FuncCallExpr{Func: at(&ast.IdentExpr{Value: loopName}, e), Args: []ast.Expr{of, oneValue(e)}, AdjustRet: true}
	return at(call, e)
}

// loopNumber is the global loopName: which of loopWords, and the value.
func loopNumber(l *glua.LState) int {
	n, ok := number(l.Get(2))
	if !ok {
		fail(l, "'for' %s must be a number", loopWords[l.CheckInt(1)])
	}
	l.Push(glua.LNumber(n))
	return 1
}

// iteration gives a generic for the three values that it wants, where the script names fewer: gopher-lua takes for the others what
// lies in their registers.
func iteration(s *ast.GenericForStmt) {
	last := s.Exprs[len(s.Exprs)-1]
	switch last.(type) {
	case *ast.FuncCallExpr, *ast.Comma3Expr:
		return // which give as many as are wanted
	}
	for len(s.Exprs) < 3 {
		s.Exprs = append(s.Exprs, at(&ast.NilExpr{}, last))
	}
}
