// What a visitor sees: texts, fields with their values, and pictures that did not come.
() => {
  const shown = (each) => each.getClientRects().length > 0;
  const label = (each) =>
    each.closest(".block, label")?.querySelector("[data-testid=block-info], [data-testid=block-label]")?.innerText.trim();
  const name = (each) => each.labels?.[0]?.innerText.trim() || label(each) || each.ariaLabel || each.placeholder || "";
  const value = (each) => (["checkbox", "radio"].includes(each.type) ? String(each.checked) : each.value);
  const inputs = [...document.querySelectorAll("input:not([type=file]), textarea, select")].filter(shown);
  const missing = (each) => each.getAttribute("src") && each.complete && !each.naturalWidth;
  const counts = ["audio", "video", "canvas", "iframe"].map((tag) => `${document.querySelectorAll(tag).length} ${tag}`);
  return {
    text: `${document.title}\n${document.body.innerText}`,
    fields: [...inputs.map((each) => `${name(each).split("\n")[0]}=${value(each)}`), ...counts],
    broken: [...document.querySelectorAll("img")].filter(missing).map((each) => each.src),
  };
}
