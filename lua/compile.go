package lua

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	glua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// Script is a compiled script.
type Script struct {
	SHA   string
	Body  []byte
	Flags Flags
	proto *glua.FunctionProto
}

// ErrSyntax says that a text is no Lua; its text has the line.
var ErrSyntax = errors.New("syntax")

// SHA1 is the name by which a script is called: 40 hexadecimal digits.
func SHA1(text []byte) string {
	sum := sha1.Sum(text)
	return hex.EncodeToString(sum[:])
}

// Names that errors tell the place of.
const (
	scriptChunk   = "user_script"
	functionChunk = "user_function"
)

// Compile makes a script of its text. The error is one of a shebang's, or ErrSyntax.
func Compile(body []byte) (*Script, error) {
	s := &Script{SHA: SHA1(body), Body: bytes.Clone(body)}
	code, flags, err := scriptHead(s.Body)
	if err != nil {
		return nil, err
	}
	s.Flags = flags
	s.proto, err = compile(code, scriptChunk)
	return s, err
}

// depthMax bounds the nesting of a text: what is recursive in the compiler goes so deep.
const depthMax = 5000

// The parser takes some 300 bytes for what is open at a time: brackets, and words of statements.
const (
	textMax     = 4 << 20 // bytes
	bracketsMax = 100_000
)

// brackets is how many brackets are open at a time, at most, those in texts included.
func brackets(code []byte) (most int) {
	open := 0
	for _, c := range code {
		switch c {
		case '(', '[', '{':
			open++
			most = max(most, open)
		case ')', ']', '}':
			open--
		}
	}
	return most
}

// concatName is the global that joins strings. No script can say it.
const concatName = "\x00concat"

func compile(code []byte, chunk string) (*glua.FunctionProto, error) {
	if len(code) > 0 && code[0] == 0x1b {
		return nil, fmt.Errorf("%w: %s: bytecode", ErrSyntax, chunk)
	}
	if len(code) > textMax || brackets(code) > bracketsMax {
		return nil, fmt.Errorf("%w: %s: script too large", ErrSyntax, chunk)
	}
	tree, err := parse.Parse(bytes.NewReader(code), chunk)
	if err != nil {
		return nil, syntaxError(err, chunk)
	}
	r := rewriter{}
	r.block(tree)
	if r.tooDeep {
		return nil, fmt.Errorf("%w: %s:%d: chunk has too many syntax levels", ErrSyntax, chunk, r.line)
	}
	if len(r.constants.names) > namesMax {
		return nil, fmt.Errorf("%w: %s: more than %d different names", ErrSyntax, chunk, namesMax)
	}
	if tables := r.constants.tables(); tables != nil {
		tree = append([]ast.Stmt{tables}, tree...)
	}
	proto, err := glua.Compile(tree, chunk)
	if err != nil {
		return nil, syntaxError(err, chunk)
	}
	return proto, nil
}

// syntaxError says in the manner of Lua 5.1 what is wrong where.
func syntaxError(err error, chunk string) error {
	var found *parse.Error
	if !errors.As(err, &found) {
		var bad *glua.CompileError
		if errors.As(err, &bad) {
			return fmt.Errorf("%w: %s:%d: %s", ErrSyntax, chunk, bad.Line, bad.Message)
		}
		return fmt.Errorf("%w: %s: %s", ErrSyntax, chunk, strings.TrimSpace(err.Error()))
	}
	near := "'" + found.Token + "'"
	if found.Pos.Line == parse.EOF || found.Token == "" {
		near = "<eof>"
	}
	return fmt.Errorf("%w: %s:%d: %s near %s", ErrSyntax, chunk, max(found.Pos.Line, 1), strings.TrimSpace(found.Message), near)
}

// SyntaxText is what is wrong with a text that does not compile.
func SyntaxText(err error) string { return strings.TrimPrefix(err.Error(), ErrSyntax.Error()+": ") }

// rewriter changes a tree before it is compiled: strings are joined, and remainders computed, by calls of functions of ours,
// numbers are read as Lua 5.1 reads them, and statements that gopher-lua takes otherwise are put in words that it does not (statements.go).
type rewriter struct {
	depth, line int
	tooDeep     bool
	constants   constants
}

// enter goes one level deeper, and reports whether that is allowed.
func (r *rewriter) enter(line int) bool {
	r.depth++
	if r.depth > depthMax && !r.tooDeep {
		r.tooDeep, r.line = true, line
	}
	return !r.tooDeep
}

func (r *rewriter) leave() { r.depth-- }

func (r *rewriter) block(stmts []ast.Stmt) {
	for i, s := range stmts {
		if r.enter(s.Line()) {
			stmts[i] = r.statement(s)
		}
		r.leave()
	}
}

func (r *rewriter) statement(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.AssignStmt:
		r.all(s.Lhs)
		r.all(s.Rhs)
		return assignment(s)
	case *ast.LocalAssignStmt:
		r.all(s.Exprs)
	case *ast.FuncCallStmt:
		s.Expr = r.expr(s.Expr)
	case *ast.DoBlockStmt:
		r.block(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = r.expr(s.Condition)
		r.block(s.Stmts)
	case *ast.RepeatStmt:
		s.Condition = r.expr(s.Condition)
		r.block(s.Stmts)
	case *ast.IfStmt:
		s.Condition = r.expr(s.Condition)
		r.block(s.Then)
		r.block(s.Else)
	case *ast.NumberForStmt:
		s.Init, s.Limit = bound(r.expr(s.Init), 0), bound(r.expr(s.Limit), 1)
		if s.Step != nil {
			s.Step = bound(r.expr(s.Step), 2)
		}
		r.block(s.Stmts)
	case *ast.GenericForStmt:
		r.all(s.Exprs)
		iteration(s)
		r.block(s.Stmts)
	case *ast.FuncDefStmt:
		if s.Name.Func != nil {
			s.Name.Func = r.expr(s.Name.Func)
		}
		if s.Name.Receiver != nil {
			s.Name.Receiver = r.expr(s.Name.Receiver)
		}
		r.block(s.Func.Stmts)
	case *ast.ReturnStmt:
		r.all(s.Exprs)
	}
	return s
}

func (r *rewriter) all(exprs []ast.Expr) {
	for i := range exprs {
		exprs[i] = r.expr(exprs[i])
	}
}

func (r *rewriter) expr(e ast.Expr) ast.Expr {
	if e == nil {
		return nil
	}
	defer r.leave()
	if !r.enter(e.Line()) {
		return e
	}
	switch e := e.(type) {
	case *ast.NumberExpr:
		e.Value = numeral(e.Value)
		return r.constants.place(e, constant{true, e.Value})
	case *ast.StringExpr:
		return r.constants.place(e, constant{false, e.Value})
	case *ast.IdentExpr:
		r.constants.name(e.Value)
	case *ast.AttrGetExpr:
		e.Object, e.Key = r.expr(e.Object), r.expr(e.Key)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			f.Key, f.Value = r.expr(f.Key), r.expr(f.Value)
		}
	case *ast.FuncCallExpr:
		e.Func, e.Receiver = r.expr(e.Func), r.expr(e.Receiver)
		r.constants.name(e.Method)
		r.all(e.Args)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs), r.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs), r.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = r.expr(e.Lhs), r.expr(e.Rhs)
		if e.Operator == "%" {
			return modulo(e)
		}
	case *ast.UnaryMinusOpExpr:
		e.Expr = r.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = r.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = r.expr(e.Expr)
	case *ast.FunctionExpr:
		r.block(e.Stmts)
	case *ast.StringConcatOpExpr:
		return r.concat(e)
	}
	return e
}

// numeral writes a number so that gopher-lua reads what Lua 5.1 would: not as octal where it begins with 0.
func numeral(text string) string {
	f, ok := parseNumber(text)
	if !ok {
		return text
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}

// operandsMax is how many strings one call joins: each takes a register.
const operandsMax = 50

// concat makes a call of a chain of operators.
func (r *rewriter) concat(e *ast.StringConcatOpExpr) ast.Expr {
	call := at(&ast.FuncCallExpr{Func: at(&ast.IdentExpr{Value: concatName}, e), AdjustRet: true}, e)
	for {
		call.Args = append(call.Args, r.expr(e.Lhs))
		next, ok := e.Rhs.(*ast.StringConcatOpExpr)
		if !ok || len(call.Args) == operandsMax {
			break
		}
		e = next
	}
	call.Args = append(call.Args, oneValue(r.expr(e.Rhs)))
	return call
}
