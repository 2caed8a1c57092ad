// How many pictures, sounds or films have loaded, also in the shadow of players.
(tag) => {
  let count = 0;
  const ready = (each) => (each.tagName === "IMG" ? each.complete && each.naturalWidth > 0 : each.readyState > 0);
  const walk = (root) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.matches(tag) && ready(each)) count += 1;
      if (each.shadowRoot) walk(each.shadowRoot);
    }
  };
  walk(document);
  return count;
}
