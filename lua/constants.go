package lua

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// constants keeps the constants of a function few. gopher-lua looks for each among all that came before it in the same function, one by
// one: a script with ten thousand of them, as programs make them, took seconds to compile, during which nobody was served. What
// comes behind the first few hundred different ones is therefore put into tables, which functions of their own make when
// the script begins, and read from there.
type constants struct {
	seen  map[constant]int // and where in aside they are; -1 where they stay
	aside []ast.Expr       // those, in order
	names map[string]bool  // of variables and methods, which cannot be put aside
}

// constant is a number or a string as the script has it.
type constant struct {
	number bool
	text   string
}

const (
	constantsKept = 200 // stay where they are
	constantsEach = 100 // are in a table
	namesMax      = 5000
)

// tablesName is the local variable that has the tables. No script can say it.
const tablesName = "\x00constants"

// place returns what stands for a constant.
func (c *constants) place(e ast.Expr, of constant) ast.Expr {
	if c.seen == nil {
		c.seen = map[constant]int{}
	}
	i, known := c.seen[of]
	if !known {
		i = -1
		if len(c.seen) >= constantsKept {
			i = len(c.aside)
			c.aside = append(c.aside, e)
		}
		c.seen[of] = i
	}
	if i < 0 {
		return e
	}
	table := element(&ast.IdentExpr{Value: tablesName}, i/constantsEach, e)
	return element(table, i%constantsEach, e)
}

// element is one of a table, counted from 0.
func element(table ast.Expr, i int, like ast.Expr) ast.Expr {
	at(table, like)
	return at(&ast.AttrGetExpr{Object: table, Key: at(&ast.NumberExpr{Value: strconv.Itoa(i + 1)}, like)}, like)
}

// name takes note of a variable's or method's name.
func (c *constants) name(name string) {
	if c.names == nil {
		c.names = map[string]bool{}
	}
	c.names[name] = true
}

// tables is the statement that makes the tables; nil where there are none.
func (c *constants) tables() ast.Stmt {
	if len(c.aside) == 0 {
		return nil
	}
	first := c.aside[0]
	all := at(&ast.TableExpr{}, first)
	for begin := 0; begin < len(c.aside); begin += constantsEach {
		table := at(&ast.TableExpr{}, first)
		for _, e := range c.aside[begin:min(begin+constantsEach, len(c.aside))] {
			table.Fields = append(table.Fields, &ast.Field{Value: e})
		}
		made := at(&ast.ReturnStmt{Exprs: []ast.Expr{table}}, first)
		maker := at(&ast.FunctionExpr{ParList: &ast.ParList{}, Stmts: []ast.Stmt{made}}, first)
		all.Fields = append(all.Fields, &ast.Field{Value: at(&ast.FuncCallExpr{Func: maker, AdjustRet: true}, first)})
	}
	return at(&ast.LocalAssignStmt{Names: []string{tablesName}, Exprs: []ast.Expr{all}}, first)
}
