// The keys of the page. Fields and buttons keep those that are theirs.

const OWN = { range: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], button: ["Enter", " "], link: ["Enter"] };

/** Call `actions[key]` for each key that nothing in focus needs itself. */
export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const at = event.target;
    const kind = at.matches("input[type=range]") ? "range" : at.matches("button, summary") ? "button" : at.matches("a") ? "link" : "";
    if (kind && OWN[kind].includes(event.key)) return;
    const action = actions[event.key];
    if (action && action(event) !== false) event.preventDefault();
  });
}
