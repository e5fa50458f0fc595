package browser_test

import (
	"fmt"
	"strconv"

	"github.com/chromedp/chromedp"
)

// visit goes to an address, and waits for the page.
func (x *tab) visit(url string) {
	x.t.Helper()
	x.must(x.Visit(url))
}

// click clicks the first element that a selector finds, and waits until it is
// somewhere else.
func (x *tab) click(selector string) {
	x.t.Helper()
	from := eval[string](x, "location.href")
	x.must(x.Do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)))
	x.leaves(from)
}

// leaves waits until the page is another one, whole.
func (x *tab) leaves(from string) {
	x.t.Helper()
	x.await("another page than "+from, fmt.Sprintf("location.href !== %s && document.readyState === 'complete'", strconv.Quote(from)))
}

// press presses a key.
func (x *tab) press(keys string) {
	x.t.Helper()
	x.must(x.Do(chromedp.KeyEvent(keys)))
}

// textOf is the text of the first element that a selector finds, as it is seen.
func (x *tab) textOf(selector string) string {
	x.t.Helper()
	return eval[string](x, fmt.Sprintf("(e => e ? e.innerText : '')(document.querySelector(%s))", strconv.Quote(selector)))
}
