package kv

import "testing"

// fillPages has an arena hand out n whole pages of blocks of one size.
func fillPages(a *arena, n, size int) (refs []ref) {
	for range n * (pageBytes / size) {
		r, _ := a.alloc(size)
		refs = append(refs, r)
	}
	return refs
}

// A page that is taken over gets the number of one that went while it had room: nothing is left of that one's place among
// those with room, and the list does not grow with every such page.
func TestAnAdoptedPageHasNoRoom(t *testing.T) {
	const size = 64
	var a arena
	perPage := pageBytes / size
	own := fillPages(&a, 2, size)
	for _, r := range own[perPage+1:] { // but for one block; the second page has room
		a.release(r)
	}
	a.release(own[0]) // so has the first, and it is the first to be tried
	a.release(own[perPage])
	a.checkRoom(t)
	for range 3 {
		var other arena
		taken := fillPages(&other, 1, size)
		number := a.adopt(other.pages[1])
		if number != own[perPage].page() {
			t.Fatalf("the page has number %d; that of the one that went is %d", number, own[perPage].page())
		}
		a.checkRoom(t)
		for _, r := range taken {
			a.release(makeRef(number, uint16(r.block())))
			a.checkRoom(t)
		}
	}
	if room := a.class(size).room; len(room) != 1 || room[0] != own[0].page() {
		t.Fatalf("pages with room: %d", room)
	}
}
