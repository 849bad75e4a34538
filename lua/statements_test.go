package lua

import (
	"strings"
	"testing"
)

// What gopher-lua compiles otherwise than Lua 5.1. The transcript scripts-statements.txt has more, beside a real server.
func TestStatements(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{"local a,b=1,2 a,b=b,a return {a,b}", "*2 :2 :1"},
		{"local a,b,c=1,2,3 a,b,c=c,a,b return {a,b,c}", "*3 :3 :1 :2"},
		{"local a,b=12,18 while b~=0 do a,b=b,a%b end return a", ":6"},
		{"local a,t=1,{5} a,t[1]=t[1],a return {a,t[1]}", "*2 :5 :1"},
		{"local t={k=1} local s=t t,t.k={},5 return {s.k,t.k or 'none'}", "*2 :5 $4 none"},
		{"local a,b,c a,b,c=(function() return 1,2 end)() return {a,b,c or 'none'}", "*3 :1 :2 $4 none"},
		{"local t={1,2} t[1],t[2]=t[2],t[1] return t", "*2 :2 :1"},
		{"local n=0 for i='1',ARGV[1],'2' do n=n+i end return n", ":4"},
		{"for i=1,{} do end", "ERR user_script:1: 'for' limit must be a number"},
		{"return {tostring(1%0.1),5.5%2,-5%3,5%-3,'7'%4,3%(1/0)==3}", "*6 $1 0 :1 :1 :-1 :3 $-1"},
		{"return 1%{}", "ERR user_script:1: attempt to perform arithmetic on a table value"},
		{"return setmetatable({},{__mod=function(a,b) return b end})%4", ":4"},
		{"local r={} for k,v in next,{5,6,7} do r[#r+1]=v end return r", "*3 :5 :6 :7"},
	} {
		got := strings.Join(strings.Fields(run(t, newTestMachine(false), &fakeHost{looks: -1}, c.code, "4")), " ")
		if got != c.want {
			t.Errorf("%s\n\treturned %s\n\twant     %s", c.code, got, c.want)
		}
	}
}
