"use strict";
// The page follows the data: it asks for itself every few seconds, with the tag of what
// it shows, and takes over what is new. Without this script the page is whole, too.
(() => {
  const every = 5000, patience = 10000;
  const root = document.documentElement;
  if (root.hasAttribute("data-still")) return;
  const age = document.getElementById("age"), old = document.getElementById("old"), news = document.getElementById("news");
  let tag = root.dataset.tag, asking = false, timer = 0;
  let measured = null, at = 0; // the age in seconds, and when it was that
  let answered = new Date();

  const words = (s) => s < 120 ? Math.floor(s) + " s" : s < 7200 ? Math.floor(s / 60) + " min" : Math.floor(s / 3600) + " h";
  const showAge = () => {
    if (measured === null || !age) return;
    age.textContent = words(measured + (performance.now() - at) / 1000) + " ago";
  };
  const takeAge = (response) => {
    const header = response.headers.get("Age");
    if (header === null) return;
    measured = Number(header);
    at = performance.now();
    showAge();
  };

  // What a visitor has done to the page, to be done again to the next one.
  const places = (main) => {
    const focus = document.activeElement;
    const kept = { open: new Map(), left: new Map(), focus: null };
    for (const d of main.querySelectorAll("details[id]")) kept.open.set(d.id, d.open);
    for (const e of main.querySelectorAll(".rack[id], .scroll[id], pre[id]")) kept.left.set(e.id, [e.scrollLeft, e.scrollTop]);
    if (focus && main.contains(focus)) {
      const same = (e) => focus.id ? e.id === focus.id : e.tagName === focus.tagName && e.getAttribute("href") === focus.getAttribute("href");
      const all = [...main.querySelectorAll(focus.tagName)].filter(same);
      kept.focus = { tag: focus.tagName, id: focus.id, href: focus.getAttribute("href"), nth: all.indexOf(focus),
        inside: focus.closest("[id]") ? focus.closest("[id]").id : "" };
    }
    return kept;
  };
  const restore = (main, kept) => {
    for (const [id, open] of kept.open) {
      const d = document.getElementById(id);
      if (d && d.tagName === "DETAILS") d.open = open;
    }
    for (const [id, [left, top]] of kept.left) {
      const e = document.getElementById(id);
      if (e) { e.scrollLeft = left; e.scrollTop = top; }
    }
    const f = kept.focus;
    if (!f) return;
    const all = [...main.querySelectorAll(f.tag)].filter((e) => f.id ? e.id === f.id : e.getAttribute("href") === f.href);
    const to = all[f.nth] || all[0] || (f.inside && document.getElementById(f.inside)) || main;
    to.focus({ preventScroll: true });
  };

  const take = (text) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    const now = document.getElementById("main"), then = next.getElementById("main");
    if (!then) throw new Error("no page");
    const before = document.title, x = scrollX, y = scrollY, kept = places(now);
    now.replaceChildren(...document.adoptNode(then).childNodes);
    restore(now, kept);
    scrollTo(x, y);
    document.title = next.title;
    tag = next.documentElement.dataset.tag;
    const stamp = next.getElementById("age");
    if (age && stamp) age.parentNode.replaceChildren(age, ...[...stamp.parentNode.children].filter((e) => e !== stamp));
    if (age && stamp) age.setAttribute("datetime", stamp.getAttribute("datetime"));
    if (document.title !== before) news.textContent = document.title;
  };

  // Who copies a text from the page shall not lose it.
  const selecting = () => {
    const s = getSelection();
    return s && !s.isCollapsed && document.getElementById("main").contains(s.anchorNode);
  };

  const failed = (why) => {
    const says = "No answer since " + answered.toLocaleTimeString() + " (" + why + "): what is shown is older than that.";
    if (old.textContent !== says) old.textContent = says; // said once to who listens
    old.hidden = false;
  };

  const ask = async () => {
    clearTimeout(timer);
    if (asking || document.hidden) return;
    if (selecting()) { timer = setTimeout(ask, every); return; }
    asking = true;
    try {
      const response = await fetch(location.pathname + location.search, {
        headers: { "If-None-Match": tag, "Accept": "text/html" }, cache: "no-store", signal: AbortSignal.timeout(patience),
      });
      if (response.status !== 304) {
        const text = await response.text();
        if (response.status === 404) throw new Error("it is no longer there");
        if (!response.ok) throw new Error("status " + response.status);
        take(text);
      }
      answered = new Date();
      old.hidden = true;
      takeAge(response);
    } catch (e) {
      failed(e.name === "TimeoutError" ? "no answer in time" : e.message);
    } finally {
      asking = false;
      timer = setTimeout(ask, every);
    }
  };

  document.addEventListener("visibilitychange", ask);
  setInterval(showAge, 1000);
  ask();
})();
